"""Tests that other packages with one of the project's generic package names are detected."""

import subprocess
import sys
from pathlib import Path

from harness.package_conflicts import package_conflicts
from tests.harness.processes import ROOT


def test_this_checkout_has_no_clash() -> None:
    assert package_conflicts() == []


def test_other_package_datasets_is_an_error_at_start(tmp_path: Path) -> None:
    other = tmp_path / "datasets"
    other.mkdir()
    (other / "__init__.py").write_text('"""HuggingFace/Datasets is an open library."""\n')
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; "
        "from harness.package_conflicts import package_conflicts"
    )
    process = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*package_conflicts(), sep='\\n')"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert "'datasets'" in process.stdout
    assert str(other) in process.stdout
    assert "environment of its own" in process.stdout


def test_clash_does_not_come_as_a_traceback(tmp_path: Path) -> None:
    other = tmp_path / "reports"
    other.mkdir()
    (other / "__init__.py").write_text("")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; from harness.cli import main; main()"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, "data", "list"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert process.returncode == 2
    assert process.stderr.startswith("error: the package 'reports'")
