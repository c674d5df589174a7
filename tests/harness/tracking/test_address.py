"""Where the ledger lies by default, what of its address is shown, and that retries are left as they were."""

import os
from pathlib import Path

import pytest

from harness.tracking.address import RETRIES, default_uri, few_retries, without_credentials


def test_the_variable_comes_before_the_file_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert default_uri() == "http://example.org"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://ann:secret@example.org/mlflow", "https://…@example.org/mlflow"),
        ("https://example.org/a@b", "https://…@b"),
        ("sqlite:////home/ann@home/mlflow.db", "sqlite:////home/ann@home/mlflow.db"),
    ],
)
def test_credentials_alone_are_hidden(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown


@pytest.mark.parametrize("before", [None, "7"])
def test_retries_are_few_within_and_as_they_were_after(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv(RETRIES, raising=False)
    if before is not None:
        monkeypatch.setenv(RETRIES, before)
    with few_retries():
        assert os.environ[RETRIES] == "1"
    assert os.environ.get(RETRIES) == before
