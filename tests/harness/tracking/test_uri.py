"""Tests of the default tracking address, its display without credentials, and unchanged retry settings."""

import os
from pathlib import Path

import pytest

from harness.tracking.uri import RETRIES_VAR, get_default_uri, limit_retries, strip_credentials


def test_the_variable_comes_before_the_file_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get_default_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert get_default_uri() == "http://example.org"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://ann:secret@example.org/mlflow", "https://…@example.org/mlflow"),
        ("https://example.org/a@b", "https://…@b"),
        ("sqlite:////home/ann@home/mlflow.db", "sqlite:////home/ann@home/mlflow.db"),
    ],
)
def test_credentials_alone_are_hidden(uri: str, shown: str) -> None:
    assert strip_credentials(uri) == shown


@pytest.mark.parametrize("before", [None, "7"])
def test_retries_are_few_within_and_as_they_were_after(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv(RETRIES_VAR, raising=False)
    if before is not None:
        monkeypatch.setenv(RETRIES_VAR, before)
    with limit_retries():
        assert os.environ[RETRIES_VAR] == "1"
    assert os.environ.get(RETRIES_VAR) == before
