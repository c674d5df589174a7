"""`harness` as a process of its own: begun, listened to, waited for."""

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
    """A `harness` process that has ended, and the folder that it worked in."""

    status: int
    out: str
    err: str
    folder: Path


@cache
def _kernels() -> Path:
    """A folder with the kernels, which all tests compile once."""
    folder = ROOT / ".pytest_cache" / "kernels"
    code = "from architectures.cpu_kernels.library import load_library; load_library()"
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(folder)}
    subprocess.run((sys.executable, "-c", code), check=True, env=variables)
    return folder / "code"


def cache_in(folder: Path) -> str:
    """An empty cache in `folder`, but for the kernels."""
    own = folder / "cache"
    own.mkdir(exist_ok=True)
    if not (own / "code").exists():
        shutil.copytree(_kernels(), own / "code")
    return str(own)


def start(
    folder: Path, *args: object, code: str = "", stderr: int = subprocess.PIPE, **variables: str
) -> subprocess.Popen[str]:
    """`harness ARGS` as a process of its own in `folder`, with a cache there; by `code` if it is given."""
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
    """The process once it has ended; `seen` is what has been read of its stderr already."""
    out, err = process.communicate(timeout=300)
    return Ended(status=process.returncode, out=out, err=seen + err, folder=folder)


def until(process: subprocess.Popen[str], words: str) -> str:
    """What a process says up to a line that holds `words`."""
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said: {said}")
