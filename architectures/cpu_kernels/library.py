"""Compile the kernels once per machine, load them, and call them on tensors."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from architectures.code_cache import ensure_private_folder

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.cpp")))
HEADERS = tuple(sorted(Path(__file__).parent.glob("*.h")))
COMPILER_FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp",
    "-fPIC",
    "-shared",
)

MIN_PARALLEL_NUMEL = 2**16
"""A tensor with fewer values is processed by one thread: waking another thread would take as long."""

OPERATORS = torch.library.Library("harness", "DEF")


class KernelsUnavailable(RuntimeError):
    """This machine cannot compile or load the kernels; the message says why."""


def register_operator(schema: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the CPU implementation of the operator `harness::<schema>`.

    `torch.library.custom_op` does the same, but each call takes longer.
    """

    def define(function: Callable[..., Any]) -> Callable[..., Any]:
        name = OPERATORS.define(schema)
        OPERATORS.impl(name, function, "CPU")
        overload: Callable[..., Any] = getattr(torch.ops.harness, name).default
        return overload

    return define


def forbid_gradient(name: str) -> None:
    """Make a gradient through the operator `name` raise NotImplementedError."""

    def backward(ctx: object, *gradients: object) -> None:
        raise NotImplementedError(
            f"harness::{name} has no gradient (a double backward, or one in evaluation): use --engine eager"
        )

    torch.library.register_autograd(f"harness::{name}", backward)


def register_fake(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the fake (shape-only) implementation of the operator `name`."""
    register: Callable[[Callable[..., Any]], Callable[..., Any]] = torch.library.register_fake(
        f"harness::{name}"
    )
    return register


def call_kernel(name: str, *arguments: Tensor | float | None) -> None:
    """Call the kernel `name`. A tensor is passed as its address, None as a null pointer.

    Raises:
        KernelsUnavailable: see `load_library`.
        TypeError: a tensor is neither float32 nor int32.
    """
    getattr(load_library(), name)(*map(_to_ctypes, arguments))


def _to_ctypes(argument: Tensor | float | None) -> ctypes.c_void_p | ctypes.c_double | ctypes.c_int64:
    if isinstance(argument, Tensor):
        if argument.dtype not in (torch.float32, torch.int32):
            raise TypeError(
                f"the CPU kernels compute in float32; got a tensor of {argument.dtype}: use --engine eager"
            )
        return ctypes.c_void_p(argument.data_ptr())
    if argument is None:
        return ctypes.c_void_p(None)
    return ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_int64(argument)


def select_thread_count(tensor: Tensor) -> int:
    """Return the number of threads for a kernel on `tensor`: torch's number, or 1 for a small tensor."""
    return torch.get_num_threads() if tensor.numel() >= MIN_PARALLEL_NUMEL else 1


@cache
def load_library() -> ctypes.CDLL:
    """Load the compiled kernels; compile them first if the code cache does not hold them.

    Raises:
        KernelsUnavailable: there is no C++ compiler, it fails, or no cache folder is private to the user.
    """
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler:
        raise KernelsUnavailable("there is no C++ compiler (c++ or g++)")
    try:
        folder = ensure_private_folder("kernels")
        path = folder / f"{_compute_digest(compiler)}.so"
        if not path.is_file():
            _compile(compiler, path)
        return ctypes.CDLL(str(path))
    except subprocess.CalledProcessError as error:
        raise KernelsUnavailable(
            f"{compiler} cannot compile the kernels: {error.stderr.strip()[-200:]}"
        ) from error
    except OSError as error:
        raise KernelsUnavailable(f"the kernels cannot be compiled or loaded: {error}") from error


def _compute_digest(compiler: str) -> str:
    """Return a hash of everything that determines the machine code: sources, command and processor."""
    contents = (file.read_bytes() for file in (*SOURCES, *HEADERS))
    parts = (*contents, " ".join((compiler, *COMPILER_FLAGS)).encode(), _read_cpu_flags().encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _compile(compiler: str, path: Path) -> None:
    """Compile the kernels into `path` atomically: `path` never holds an incomplete file."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temp_path = Path(folder) / path.name
        command = (compiler, *COMPILER_FLAGS, *map(str, SOURCES), "-o", str(temp_path))
        subprocess.run(command, check=True, capture_output=True, text=True)
        temp_path.chmod(0o700)
        temp_path.replace(path)


def _read_cpu_flags() -> str:
    """Return the processor's instruction sets, which -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())
