from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.folder.loader import load
from datasets.spec import SampleTable


@pytest.fixture
def folders(tmp_path: Path) -> Callable[..., SampleTable]:
    """Return the table of class folders with these names, with one image per occurrence of a name."""

    def make(*names: str) -> SampleTable:
        root = tmp_path / "mine"
        for number, name in enumerate(names):
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / f"{number}.png").write_bytes(b"pixels")
        return load(root, "all")

    return make


@pytest.fixture
def csv_table(tmp_path: Path) -> Callable[..., SampleTable]:
    """Return the table of a CSV file with one row per label."""

    def make(*labels: str) -> SampleTable:
        for number, _ in enumerate(labels):
            (tmp_path / f"{number}.png").write_bytes(b"pixels")
        rows = (f"{number}.png,{label}" for number, label in enumerate(labels))
        (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows]) + "\n")
        return load(tmp_path, "all")

    return make


def list_anomalies(table: SampleTable) -> list[tuple[str, ...]]:
    return [(fault.code, fault.location, fault.description, fault.action) for fault in table.anomalies]


@pytest.mark.parametrize("read", ["folders", "csv_table"])
def test_class_names_that_differ_in_case_stay_separate_and_are_listed(
    read: str, request: pytest.FixtureRequest
) -> None:
    table = request.getfixturevalue(read)("Happy", "happy", "happy", "sad", "very sad", "verysad")
    assert table.classes == ("Happy", "happy", "sad", "very sad", "verysad")
    assert list_anomalies(table) == [
        (
            "similar class names",
            "Happy, happy",
            "the names differ only in case or spaces: 'Happy' (1 image), 'happy' (2 images)",
            "read as different classes; if they are one class, give them one name",
        ),
        (
            "similar class names",
            "very sad, verysad",
            "the names differ only in case or spaces: 'very sad' (1 image), 'verysad' (1 image)",
            "read as different classes; if they are one class, give them one name",
        ),
    ]


@pytest.mark.parametrize("read", ["folders", "csv_table"])
def test_class_names_that_differ_in_outer_spaces_are_one_class(
    read: str, request: pytest.FixtureRequest
) -> None:
    table = request.getfixturevalue(read)("happy", "happy ", "happy ", "sad", "sad")
    assert table.classes == ("happy", "sad")
    assert list_anomalies(table) == [
        (
            "merged class names",
            "happy",
            "the name is written in 2 ways: 'happy' (1 image), 'happy ' (2 images)",
            "read as one class; if they are different classes, rename one",
        )
    ]


@pytest.mark.parametrize("read", ["folders", "csv_table"])
def test_name_with_consistent_spaces_is_no_anomaly(read: str, request: pytest.FixtureRequest) -> None:
    assert list_anomalies(request.getfixturevalue(read)(" happy", " happy", "sad")) == []


def test_names_that_differ_in_case_and_spaces_are_listed(folders: Callable[..., SampleTable]) -> None:
    table = folders("Happy", "happy ", "sad")
    assert [code for code, *_ in list_anomalies(table)] == ["similar class names"]
    assert table.classes == ("Happy", "happy", "sad")
