"""Tests of the messages about folders and files that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.output_folders import check_file_writable, check_writable
from harness.tracking.uri import check_store_writable
from tests.error_codes import raises_code


@pytest.fixture
def is_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report every file as read-only, because root may write to all."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)


def test_unwritable_folder_error_names_output_and_option(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with pytest.raises(
        ValueError, match=r"--out must be a writable folder; .*note.txt/below is not .*results"
    ):
        check_writable(tmp_path / "note.txt/below")
    with pytest.raises(
        ValueError, match=r"the trials cannot be written there: name another with --searches F"
    ):
        check_writable(tmp_path / "note.txt", contents="trials", option="--searches F")


@pytest.mark.usefixtures("is_read_only")
def test_only_an_existing_unwritable_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    check_store_writable(f"sqlite:///{file}")
    check_store_writable("http://host:5000")
    file.touch()
    with pytest.raises(
        ValueError, match=r"store must be writable; .*mlflow.db is not: .* --tracking-uri sqlite"
    ):
        check_store_writable(f"sqlite:///{file}")
    with raises_code("output-file.not-writable", "--searches"):
        check_file_writable(file, label="--searches", option="--searches FILE")


def test_artifacts_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlruns").touch()
    with raises_code("output-folder.not-writable", "mlruns"):
        check_store_writable(f"sqlite:///{tmp_path / 'mlflow.db'}")
