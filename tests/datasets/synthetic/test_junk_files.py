import zipfile
from pathlib import Path

import cv2
import pytest

from datasets.io.directory_tree import DirectoryTree
from datasets.synthetic import junk_files


def test_loader_ignores_junk_files(tmp_path: Path) -> None:
    junk_files.write_ds_store(tmp_path)
    junk_files.write_thumbs_db(tmp_path)
    junk_files.write_shortcut(tmp_path)
    junk_files.write_apple_double(tmp_path / "img1.jpg")
    junk_files.write_lock_file(tmp_path / "sheet.xlsx")
    assert len(list(tmp_path.iterdir())) == 5
    assert DirectoryTree(tmp_path).list_folder(tmp_path).files == ()


def test_note_is_an_ordinary_file(tmp_path: Path) -> None:
    junk_files.write_note(tmp_path / "new" / "notes.txt", "text\n")
    assert (tmp_path / "new" / "notes.txt").read_bytes() == b"text\n"


@pytest.mark.parametrize("name", ["~$sheet.xlsx", "._img1.jpg"])
def test_junk_with_a_data_suffix_is_no_data(tmp_path: Path, name: str) -> None:
    junk_files.write_lock_file(tmp_path / "sheet.xlsx")
    junk_files.write_apple_double(tmp_path / "img1.jpg")
    assert not zipfile.is_zipfile(tmp_path / name)
    assert cv2.imread(str(tmp_path / name)) is None
