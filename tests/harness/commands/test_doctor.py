"""Tests of `harness doctor`: it reports each check, and its exit status matches."""

import json
from pathlib import Path

import pytest

from harness.commands.doctor import DIAGNOSTICS
from tests.harness.tiny import Run


@pytest.mark.slow
def test_valid_installation_passes_every_check(harness: Run, tmp_path: Path) -> None:
    status, out, _ = harness("doctor")
    assert status == 0
    assert [line.split(":")[0] for line in out.splitlines()] == [f"ok   {name}" for name in DIAGNOSTICS]
    assert f"working folder: {tmp_path} is writable, " in out
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"]
    # The kernels, unless this process has already loaded them.
    assert {path.name for path in (tmp_path / "cache").iterdir()} <= {"code"}


def test_fault_is_listed_with_the_passed_checks(
    harness: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    status, out, _ = harness("doctor")
    assert status == 1
    (bad,) = [line for line in out.splitlines() if not line.startswith("ok   ")]
    assert bad.startswith("BAD  cache folder: ")
    assert str(tmp_path / "file") in bad
    status, out, _ = harness("doctor", "--json")
    assert status == 1
    assert {finding["check"]: finding["ok"] for finding in json.loads(out)} == {
        name: name != "cache folder" for name in DIAGNOSTICS
    }
