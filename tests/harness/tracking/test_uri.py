"""Tests of the default tracking address, its display without credentials."""

from pathlib import Path

import pytest

from harness.tracking.uri import get_default_uri, has_login, strip_credentials


def test_variable_precedes_the_file_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get_default_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert get_default_uri() == "http://example.org"


@pytest.mark.parametrize(
    ("uri", "stripped"),
    [
        ("https://ann:secret@example.org/mlflow", "https://…@example.org/mlflow"),
        ("https://example.org/a@b", "https://…@b"),
        ("sqlite:////home/ann@home/mlflow.db", "sqlite:////home/ann@home/mlflow.db"),
    ],
)
def test_credentials_are_removed(uri: str, stripped: str) -> None:
    assert strip_credentials(uri) == stripped


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://ann:secret@example.org", True),
        ("https://example.org/a@b", False),
        ("sqlite:////home/ann@home/mlflow.db", False),
    ],
)
def test_login_in_an_address_is_recognized(uri: str, expected: bool) -> None:
    assert has_login(uri) == expected
