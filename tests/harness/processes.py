"""Helpers that start `harness` as a separate process, read its output and wait for it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The exit status and output of a `harness` process that has ended, and its working folder."""

    status: int
    out: str
    err: str
    folder: Path


@cache
def _kernels() -> Path:
    """Return a folder with the kernels, compiled once for all tests."""
    folder = ROOT / ".pytest_cache" / "kernels"
    code = "from architectures.cpu_kernels.library import load_library; load_library()"
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(folder)}
    subprocess.run((sys.executable, "-c", code), check=True, env=variables)
    return folder / "code"


def cache_in(folder: Path) -> str:
    """Return a cache in `folder` that contains only the kernels."""
    own = folder / "cache"
    own.mkdir(exist_ok=True)
    if not (own / "code").exists():
        shutil.copytree(_kernels(), own / "code")
    return str(own)


def start(
    folder: Path, *args: object, code: str = "", stderr: int = subprocess.PIPE, **variables: str
) -> subprocess.Popen[str]:
    """Start `harness ARGS`, or the Python code `code`, as a process in `folder` with a cache there."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {"PYTHONPATH": str(ROOT), "HARNESS_CACHE": cache_in(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *(("-c", code) if code else ("-m", "harness")), *map(str, args)],
        cwd=folder,
        env={**os.environ, **own, **variables},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def ended(process: subprocess.Popen[str], folder: Path, *, seen: str = "") -> Ended:
    """Wait for the process and return its result; `seen` is the part of its stderr that was already read."""
    out, err = process.communicate(timeout=300)
    return Ended(status=process.returncode, out=out, err=seen + err, folder=folder)


def until(process: subprocess.Popen[str], words: str) -> str:
    """Return the stderr of a process up to a line that contains `words`."""
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said: {said}")
