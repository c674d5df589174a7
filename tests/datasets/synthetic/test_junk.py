import zipfile

import cv2
import pytest

from datasets.synthetic import junk
from datasets.tree import Tree


def test_a_tree_read_without_trust_shows_none_of_it(tmp_path):
    junk.ds_store(tmp_path)
    junk.thumbs(tmp_path)
    junk.shortcut(tmp_path)
    junk.apple_double(tmp_path / "img1.jpg")
    junk.lock_file(tmp_path / "sheet.xlsx")
    assert len(list(tmp_path.iterdir())) == 5
    assert Tree(tmp_path).listed(tmp_path).files == ()


def test_a_note_is_an_ordinary_file(tmp_path):
    junk.note(tmp_path / "new" / "notes.txt", "text\n")
    assert (tmp_path / "new" / "notes.txt").read_bytes() == b"text\n"


@pytest.mark.parametrize("name", ["~$sheet.xlsx", "._img1.jpg"])
def test_what_bears_a_datas_suffix_is_not_data(tmp_path, name):
    junk.lock_file(tmp_path / "sheet.xlsx")
    junk.apple_double(tmp_path / "img1.jpg")
    assert not zipfile.is_zipfile(tmp_path / name)
    assert cv2.imread(str(tmp_path / name)) is None
