"""Fixtures: a tiny data set, separate folders for each test, and the command line run in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.harness.tiny import LOGIN, Outcome, Run, write_tree


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of the tiny data set, written once; tests do not change it."""
    return write_tree(tmp_path_factory.mktemp("casme2"))


@pytest.fixture(autouse=True)
def separate_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_template: None) -> None:
    """Give each test its own working folder and cache, and remove any login before and after it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for variable in ("MLFLOW_TRACKING_URI", "HARNESS_CASME2"):
        monkeypatch.delenv(variable, raising=False)
    for variable in LOGIN:
        # Set it first: monkeypatch would not remove a variable that the test sets if it was unset before.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


@pytest.fixture
def brief_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the latency check time as few images as it may."""
    monkeypatch.setattr("harness.runs.claim_checks.MAX_SECONDS", 0.0)


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `harness ARGS` in this process and return exit status, stdout, stderr and the code of the error."""

    def run(*args: object) -> Outcome:
        from harness.cli import main

        monkeypatch.setattr(sys, "argv", ["harness", *map(str, args)])
        capsys.readouterr()
        status, error = 0, None
        try:
            main()
        except SystemExit as end:
            status, error = int(end.code or 0), end.__context__
        captured = capsys.readouterr()
        outcome = Outcome((status, captured.out, captured.err))
        outcome.code = getattr(error, "code", type(error).__name__) if error else ""
        return outcome

    return run
