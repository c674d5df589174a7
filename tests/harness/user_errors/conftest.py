"""Fixtures for wrong command lines: a folder with files named by mistake, and a check of every error."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.tiny import Run

NET = """
from torch import nn


def tiny(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, classes))


def wide(classes):
    return tiny(classes + 1)


def narrow(classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(48, classes))


def raising(classes):
    raise RuntimeError("no weights at hand")


def text(classes):
    return "net"


def nothing():
    return None


value = 3
"""

ErrorCheck = Callable[[str, tuple[str, ...]], None]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one cache for all tests, so that kernels and images are built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def assert_user_error(
    harness: Run, tree: Path, tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> ErrorCheck:
    """Assert that a command line fails like every mistake, and that it leaves no file.

    `expected` is the code of the error (the name of Click's class if the form of the line is wrong) and the
    values that its message names. `{tree}` in the line stands for a valid data set, `SMALL` for the options
    of a small study on it.
    """
    monkeypatch.setenv("HARNESS_CACHE", str(shared_cache))
    for variable in ("HARNESS_CKPLUS", "RAY_ADDRESS"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "here"
    (folder / "taken").mkdir(parents=True)
    (folder / "taken" / "thing").write_text("x")
    (folder / "empty").mkdir()
    (folder / "note.txt").write_text("a text")
    (folder / "photo.jpg").write_bytes(b"no image")
    (folder / "net.py").write_text(NET)
    (folder / "broken.py").write_text("def tiny(:\n")
    (folder / "lacking.py").write_text("import nosuchpackage\n")
    monkeypatch.chdir(folder)
    small = "--preset quick --image-size 32 --width 0.125 --device cpu"
    small = f"--dataset casme2 --root {shlex.quote(str(tree))} {small}"

    def check(line: str, expected: tuple[str, ...]) -> None:
        before = _contents(folder)
        args = shlex.split(line.replace("SMALL", small).replace("{tree}", shlex.quote(str(tree))))
        outcome = harness(*args)
        status, out, err = outcome
        code, *values = expected
        assert (status, outcome.code) == (2, code), err
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1, "one message on one line"
        assert "Traceback" not in err
        assert "secret" not in err
        assert not [value for value in values if value not in err], err
        assert _contents(folder) == before

    return check


def _contents(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
