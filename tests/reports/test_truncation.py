import pytest

from reports.truncation import truncate_list


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, "0"),
        (4, "0, 1, 2, 3"),
        (5, "0, 1, 2 and 2 more below"),
        (16, "0, 1, 2 and 13 more below"),
    ],
)
def test_a_long_list_is_cut_and_counted(count: int, text: str) -> None:
    assert truncate_list([str(n) for n in range(count)]) == text
