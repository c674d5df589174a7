from collections.abc import Sequence
from io import BytesIO

import openpyxl

from datasets.synthetic.workbook import encode_workbook


def test_a_workbook_has_its_sheets_and_the_same_bytes_twice() -> None:
    sheets: dict[str, Sequence[tuple[str | int | None, ...]]] = {"HS": [("a", 1), (None, "b")], "VIS": ()}
    data = encode_workbook(sheets, timestamp=(2014, 1, 15, 0, 0, 0))
    assert encode_workbook(sheets, timestamp=(2014, 1, 15, 0, 0, 0)) == data
    workbook = openpyxl.load_workbook(BytesIO(data))
    assert workbook.sheetnames == ["HS", "VIS"]
    assert list(workbook["HS"].iter_rows(values_only=True)) == [("a", 1), (None, "b")]
