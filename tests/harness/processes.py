"""Helpers that start `harness` as a separate process, read its output and wait for it."""

import atexit
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import sqlalchemy

from harness.process_settings import set_environment

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 300.0
"""Seconds after which a process is considered stuck."""

PRELOADED = (
    "harness.api",
    "harness.commands.study",
    "harness.planning.preview",
    "harness.scheduling.study_runner",
    "harness.tracking.tracker",
    "datasets.casme2.loader",
    "fvcore.nn",
    "matplotlib.backends.backend_agg",
    "mlflow.store.tracking.sqlalchemy_store",
    "openpyxl",
    "torch._dynamo",
    "torchvision",
)
"""Modules that a study loads."""


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
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


def create_tables(uri: str) -> None:
    """Create MLflow's tables in a database: in SQLite as a copy, see tests/conftest.py."""
    from mlflow.store.db import utils

    engine = sqlalchemy.create_engine(uri)
    utils._initialize_tables(engine)  # type: ignore[no-untyped-call]
    engine.dispose()


class Fork:
    """A process that `fork` has started, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(
        self, folder: Path, args: tuple[str, ...], *, code: str, variables: Mapping[str, str]
    ) -> None:
        reader, writer = multiprocessing.Pipe(duplex=False)
        descriptor, out = tempfile.mkstemp()
        os.close(descriptor)
        self._out = Path(out)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        self._process = context.Process(target=_run, args=(folder, args, code, variables, writer, out))
        # The variables are those of the process that is forked; it loads torch.
        with set_environment({"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "2000"}):
            self._process.start()
        writer.close()
        # A failed test may leave it running; multiprocessing would wait for its end.
        atexit.register(self._process.kill)
        assert self._process.pid
        self.pid = self._process.pid
        self.stderr = os.fdopen(os.dup(reader.fileno()), errors="replace")
        reader.close()

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to the process."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the end of the process and return its exit status, negative for a signal."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, f"it has not ended within {timeout} s"
        return self._process.exitcode

    def communicate(self) -> tuple[str, str]:
        """Wait for the process and return its stdout and the unread part of its stderr."""
        timer = threading.Timer(TIMEOUT, self.kill)
        timer.start()
        with self.stderr:
            err = self.stderr.read()
        self.wait()
        timer.cancel()
        out = self._out.read_text()
        self._out.unlink()
        return out, err


def _run(
    folder: Path, args: tuple[str, ...], code: str, variables: Mapping[str, str], err: Connection, out: str
) -> None:
    """Run `harness ARGS` in a forked process, after the Python code `code`."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    os.dup2(os.open(out, os.O_WRONLY | os.O_APPEND), 1)
    os.dup2(err.fileno(), 2)
    err.close()
    sys.argv = ["harness", *args]
    exec(code, {})
    from harness.cli import main

    main()


def fork(folder: Path, *args: object, code: str = "", **variables: str) -> Fork:
    """Run `harness ARGS` in `folder` with a cache and an empty store there.

    The process is the fork of one that has loaded the modules of a study, which takes several seconds. It
    runs the Python code `code` first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "mlflow.db").exists() and "--tracking-uri" not in args:
        create_tables(f"sqlite:///{folder / 'mlflow.db'}")
    own = {"PYTHONPATH": str(ROOT), "HARNESS_CACHE": cache_in(folder), "OMP_NUM_THREADS": "1"}
    return Fork(folder, tuple(map(str, args)), code=code, variables={**os.environ, **own, **variables})


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    """Run Python code as a process in `folder` with a cache there; one pipe holds its stdout and stderr."""
    own = {"PYTHONPATH": str(ROOT), "HARNESS_CACHE": cache_in(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: Fork, folder: Path, *, seen: str = "") -> ProcessResult:
    """Wait for the process and return its result; `seen` is the part of its stderr that was already read."""
    out, err = process.communicate()
    return ProcessResult(status=process.wait(), out=out, err=seen + err, folder=folder)


def read_until(process: Fork, text: str) -> str:
    """Return the stderr of a process up to a line that contains `text`."""
    output = ""
    for line in process.stderr:
        output += line
        if text in line:
            return output
    raise AssertionError(f"{text!r} never appeared in {output}")
