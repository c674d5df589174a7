"""Tests of reading text files line by line, and of their errors."""

from pathlib import Path

import pytest

from datasets.io import text_file
from datasets.io.text_file import read_text_lines
from tests.error_codes import raises_code
from tests.hostile import assert_is_clear


def test_lines_keep_their_numbers_without_blank_lines_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\r\n\n  \ntwo\u2028still two\rthree".encode())

    assert [(line.number, line.text) for line in read_text_lines(path)] == [
        (1, "one"),
        (4, "two\u2028still two"),
        (5, "three"),
    ]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ("text-file.empty",)),
        (b"\n \r\n", ("text-file.empty",)),
        (b"casme2 sub01\nEP\xff 1 1\n", ("text-file.not-utf-8", "line 2", "EP")),
        (b"x" * 101, ("text-file.line-too-long", "line 1", "at most 100 characters")),
        (b"x\n" * 51, ("text-file.too-many-lines", "more than 50 lines")),
        (b"x\n" * 1024 * 1024, ("text-file.too-large", "more than 1 MB")),
    ],
)
def test_unreadable_text_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, error: tuple[str, ...]
) -> None:
    monkeypatch.setattr(text_file, "MAX_BYTES", 1024 * 1024)
    monkeypatch.setattr(text_file, "MAX_LINES", 50)
    monkeypatch.setattr(text_file, "MAX_LINE_LENGTH", 100)
    path = tmp_path / "a\x1b.txt"
    path.write_bytes(data)
    with raises_code(*error) as raised:
        read_text_lines(path)
    message = str(raised.value)
    assert_is_clear(message)


def test_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with raises_code("text-file.missing", "nowhere"):
        read_text_lines(tmp_path / "nowhere")
    with raises_code("text-file.is-a-folder", tmp_path):
        read_text_lines(tmp_path)
