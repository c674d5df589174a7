from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.folder.image_rows import ImageRow
from datasets.folder.loader import load
from datasets.folder.path_patterns import compile_pattern, describe_groups, name_groups
from tests.error_codes import raises_code

PATHS = ("joy/s01_c2_007.png", "joy/s02_c1_001.png", "fear/s01_c1_001.png")
Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write an empty file at each path below a root, and return the root."""

    def write(*paths: str) -> Path:
        for path in paths:
            file = tmp_path / "mine" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
        return tmp_path / "mine"

    return write


def make_rows(*paths: str) -> list[ImageRow]:
    return [
        ImageRow(location=path, id=path, path=path, resolved_path=path, label=path.split("/")[0])
        for path in paths
    ]


@pytest.mark.parametrize(
    ("pattern", "subjects"),
    [
        (r"(s\d+)_", ["s01", "s02", "s01"]),
        (r"/s(\d+)_c(\d)", ["01", "02", "01"]),
        (r"(c)\d_(?P<subject>\d+)", ["007", "001", "001"]),
    ],
)
def test_first_group_or_the_named_group_is_the_subject(pattern: str, subjects: list[str]) -> None:
    rows = name_groups(make_rows(*PATHS), kind="subject", pattern=pattern)
    assert [row.subject for row in rows] == subjects


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("(s", "path-pattern.invalid"),
        ("(a{99999999999})", "path-pattern.invalid"),
        (r"s\d+", "path-pattern.no-group"),
        ("", "path-pattern.no-group"),
    ],
)
def test_invalid_expression_is_an_error(pattern: str, code: str) -> None:
    with raises_code(code, "--subject-from", repr(pattern)):
        compile_pattern("subject", pattern)


def test_paths_without_match_are_summarized_with_three_names() -> None:
    paths = [*PATHS, *(f"joy/x{number}.png" for number in range(5))]
    examples = "joy/x0.png, joy/x1.png, joy/x2.png and 2 more"
    with raises_code("path-pattern.no-match", "5 of 8 paths", examples):
        name_groups(make_rows(*paths), kind="clip", pattern=r"(c\d)")


@pytest.mark.parametrize("pattern", [r"s\d+(x?)", "(s.*)"])
def test_empty_or_long_name_is_no_name(pattern: str) -> None:
    with raises_code("path-pattern.no-match", "1 of 2 paths"):
        name_groups(make_rows("a/s1x.png", f"b/s1{'y' * 100}.png"), kind="subject", pattern=pattern)


def test_images_of_classes_that_are_not_used_need_no_name() -> None:
    rows = name_groups(
        make_rows(*PATHS, "junk/1.png"), kind="subject", pattern=r"(s\d+)_", classes=("joy", "fear")
    )
    assert [row.subject for row in rows] == ["s01", "s02", "s01", ""]


def test_single_subject_is_an_error() -> None:
    with raises_code("path-pattern.one-name", "'s'"):
        name_groups(make_rows(*PATHS), kind="subject", pattern=r"(s)\d")


def test_expressions_replace_the_folders_and_clips_are_named_by_subject(put: Put) -> None:
    root = put("joy/day1/s01_c2_007.png", "joy/day1/s02_c2_001.png", "fear/day2/s01_c1_001.png")
    table = load(root, "all", subject_from=r"(s\d+)_", clip_from=r"_(c\d+)_")
    assert {sample.id.split("/")[-1]: (sample.subject, sample.clip) for sample in table.samples} == {
        "s01_c2_007.png": ("s01", "s01/c2"),
        "s02_c2_001.png": ("s02", "s02/c2"),
        "s01_c1_001.png": ("s01", "s01/c1"),
    }
    assert all(sample.onset_ref for sample in table.samples)
    text = describe_groups(table.samples, kind="subject", pattern=r"(s\d+)_")
    assert text in table.notes
    assert text == (
        r"subjects: 2, from --subject-from '(s\d+)_', such as s01 (fear/day2/s01_c1_001.png) and "
        "s02 (joy/day1/s02_c2_001.png)"
    )


def test_equal_clip_names_in_two_classes_are_two_clips_if_frames_overlap(put: Put) -> None:
    table = load(put("joy/c1_1.png", "fear/c1_1.png", "joy/c2_1.png"), "all", clip_from=r"(c\d+)")
    assert {sample.clip for sample in table.samples} == {"joy/c1", "fear/c1", "c2"}


def test_expressions_give_the_table_that_the_columns_of_a_csv_give(put: Put) -> None:
    root = put(*PATHS)
    (root / "images.csv").write_text(
        "path,label,subject,clip\n"
        + "".join(f"{path},{path.split('/')[0]},{path[-14:-11]},{path[-10:-8]}\n" for path in PATHS)
    )
    by_column = load(root, "all")
    by_path = load(root, "all", layout="classes", subject_from=r"(s\d+)_", clip_from=r"_(c\d+)_")
    assert by_path.samples == by_column.samples
