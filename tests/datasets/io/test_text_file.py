"""Tests of reading text files line by line, and of their errors."""

from pathlib import Path

import pytest

from datasets.io import text_file
from datasets.io.text_file import read_text_lines
from tests.hostile import clear


def test_lines_keep_their_numbers_without_blank_lines_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\r\n\n  \ntwo\u2028still two\rthree".encode())

    assert [(line.number, line.text) for line in read_text_lines(path)] == [
        (1, "one"),
        (4, "two\u2028still two"),
        (5, "three"),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ("is empty", "one line for each clip")),
        (b"\n \r\n", ("is empty",)),
        (b"casme2 sub01\nEP\xff 1 1\n", ("line 2", "must be UTF-8", "EP", "save the file again")),
        (b"x" * 101, ("line 1", "at most 100 characters", "keep only")),
        (b"x\n" * 51, ("more than 50 lines", "keep only")),
        (b"x\n" * 1024 * 1024, ("more than 1 MB", "keep only")),
    ],
)
def test_a_text_that_cannot_be_read_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(text_file, "MAX_BYTES", 1024 * 1024)
    monkeypatch.setattr(text_file, "MAX_LINES", 50)
    monkeypatch.setattr(text_file, "MAX_LINE_LENGTH", 100)
    path = tmp_path / "a\x1b.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\\x1b\.txt") as raised:
        read_text_lines(path)
    message = str(raised.value)
    clear(message)
    assert all(word in message for word in words), message


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no file .*nowhere"):
        read_text_lines(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is a folder"):
        read_text_lines(tmp_path)
