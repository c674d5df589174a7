"""A tiny tree, folders of its own for each test, and the command line run in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.harness.tiny import LOGIN, Run, write_tree


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, written once; tests do not change it."""
    return write_tree(tmp_path_factory.mktemp("casme2"))


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder and a cache of its own for each test; no login before, and none left after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for variable in ("MLFLOW_TRACKING_URI", "HARNESS_CASME2"):
        monkeypatch.delenv(variable, raising=False)
    for variable in LOGIN:
        # Set first: what was not there is not put back by itself.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`harness ARGS` in this process: exit status, stdout, stderr."""

    def run(*args: object) -> tuple[int, str, str]:
        from harness.cli import main

        monkeypatch.setattr(sys, "argv", ["harness", *map(str, args)])
        capsys.readouterr()
        code: object = None
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        captured = capsys.readouterr()
        return int(code or 0), captured.out, captured.err  # type: ignore[call-overload]

    return run
