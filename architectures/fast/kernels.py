"""Compiling the kernels once on a machine, and calling them on tensors."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.cpp")))
FLAGS = (
    *("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-fPIC", "-shared"),
    # Compilers shy away from the widest registers, which all that is done here is made for.
    *(("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()),
    # Without AVX-512 the compiler warns of how wide vectors are passed between files compiled apart.
    "-Wno-psabi",
)


SMALL = 2**16
"""Values from which on a tensor is shared out among threads."""


class Unavailable(RuntimeError):
    """The kernels cannot be had on this machine; the message says why."""


def call(name: str, *arguments: Tensor | float | None, sources: tuple[Path, ...] = SOURCES) -> None:
    """Call the kernel of that name: tensors go as their addresses, None as no address.

    Tensors lie as the kernel expects them, contiguous or with their channels last.

    Raises:
        Unavailable: as `library`.
    """
    getattr(library(sources), name)(*(_given(argument) for argument in arguments))


def _given(argument: Tensor | float | None) -> ctypes.c_void_p | ctypes.c_int64 | ctypes.c_double:
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if argument is None:
        return ctypes.c_void_p(None)
    return ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_int64(argument)


@cache
def library(sources: tuple[Path, ...] = SOURCES) -> ctypes.CDLL:
    """The compiled kernels, from the cache of compiled code or compiled now.

    `sources` are C++ files, beside which the headers lie that they include.

    Raises:
        Unavailable: no C++ compiler, or one that cannot compile them.
    """
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler:
        raise Unavailable("there is no C++ compiler (c++ or g++)")
    headers = sorted({header for source in sources for header in source.parent.glob("*.h")})
    code = (file.read_bytes() for file in (*sources, *headers))
    parts = (*code, " ".join((compiler, *FLAGS)).encode(), _processor().encode())
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    home = Path(os.environ.get("HARNESS_CACHE") or Path.home() / ".cache" / "harness")
    place = home / "compiled" / f"{digest}.so"
    if not place.is_file():
        _compile(compiler, sources, place)
    try:
        return ctypes.CDLL(str(place))
    except OSError as error:
        raise Unavailable(f"the compiled kernels cannot be loaded: {error}") from error


def _compile(compiler: str, sources: tuple[Path, ...], place: Path) -> None:
    """Compile into `place`, which appears whole or not at all."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            made = Path(folder) / place.name
            subprocess.run(
                (compiler, *FLAGS, "-std=c++17", *map(str, sources), "-o", str(made)),
                check=True,
                capture_output=True,
                text=True,
            )
            made.replace(place)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{compiler} cannot compile them: {error.stderr.strip()[-200:]}") from error
    except OSError as error:
        raise Unavailable(f"they cannot be compiled: {error}") from error


def _processor() -> str:
    """What machine code is made for: -march=native gives other code on another processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())


def threads(work: Tensor) -> int:
    """How many threads a kernel is to use on so large a tensor: torch's number, or one for a small tensor.

    To wake another thread takes as long as a few ten thousand values.
    """
    return torch.get_num_threads() if work.numel() >= SMALL else 1
