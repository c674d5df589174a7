import time

import openpyxl
import pandas as pd
import pytest

from datasets.synthetic_plan import Clip
from datasets.synthetic_sheet import write_sheet


def clip(subject, units, emotion):
    return Clip(subject=subject, name="EP02_01f", emotion=emotion, units=units, onset=46, apex=59, offset=86)


@pytest.fixture
def clips():
    return (clip(1, "4", "others"), clip(2, "4+L10", "disgust"), clip(11, "12", "happiness"))


def test_the_sheet_is_laid_out_as_released(tmp_path, clips):
    path = write_sheet(clips, tmp_path)
    assert path.name == "CASME2-coding-20140508.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert book["Sheet2"].max_row == book["Sheet3"].max_row == 1
    rows = list(book["Sheet1"].values)
    assert rows[0][0] == "Subject"
    assert rows[0][2] is rows[0][6] is None
    assert rows[1] == ("01", "EP02_01f", None, 46, 59, 86, None, 4, "others")
    assert rows[2][7] == "4+L10"
    assert rows[3][7] == "12"


def test_pandas_sees_the_two_nameless_columns(tmp_path, clips):
    table = pd.read_excel(write_sheet(clips, tmp_path), dtype={"Subject": str})
    assert [name for name in table.columns if name.startswith("Unnamed")] == ["Unnamed: 2", "Unnamed: 6"]
    assert list(table["Subject"]) == ["01", "02", "11"]


def test_the_bytes_do_not_tell_the_time(tmp_path, clips):
    first = write_sheet(clips, tmp_path).read_bytes()
    # A zip entry's clock has steps of two seconds, the document's of one.
    time.sleep(2.1)
    assert write_sheet(clips, tmp_path).read_bytes() == first
