import pytest

from reports.table import Cell, Table


def test_column_with_a_number_is_right_aligned() -> None:
    rows = ((Cell(text="vgg16"), Cell(text="failed")), (Cell(text="proposed"), Cell(text="9", value=9)))
    table = Table(id="t", title="T", header=("Network", "F1"), rows=rows)

    assert [table.is_numeric(column) for column in (0, 1)] == [False, True]


def test_row_fits_its_header() -> None:
    with pytest.raises(AssertionError):
        Table(id="t", title="T", header=("a", "b"), rows=((Cell(text="x"),),))
