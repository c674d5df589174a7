import pytest

from reports.formatting import (
    NO_VALUE,
    PLUS_MINUS,
    count_cell,
    format_count,
    format_percent,
    format_points,
    mean_std_cell,
    size_cell,
    truncate_list,
)


@pytest.mark.parametrize(("share", "text"), [(0.98234, "98.23"), (1.0, "100.00"), (0.0, "0.00")])
def test_percentages_have_two_decimals(share: float, text: str) -> None:
    assert format_percent(share) == text


@pytest.mark.parametrize(
    ("number", "text"), [(1.5, "+1.50"), (-0.126, "-0.13"), (-0.001, "0.00"), (0, "0.00")]
)
def test_points_are_signed_unless_nothing(number: float, text: str) -> None:
    assert format_points(number) == text


@pytest.mark.parametrize(("number", "text"), [(1234567, "1,234,567"), (3.0, "3"), (2.46, "2.5")])
def test_counts_have_thousands_separators(number: float, text: str) -> None:
    assert format_count(number) == text


def test_cells_have_text_value_and_run_keys() -> None:
    assert (count_cell(1000, ("k",)).text, count_cell(1000, ("k",)).value) == ("1,000", 1000)
    assert count_cell(1000, ("k",)).run_keys == size_cell(9.05, ("k",)).run_keys == ("k",)
    assert size_cell(9.0498, ("k",)).text == "9.05"


def test_only_two_or_more_seeds_have_a_deviation() -> None:
    assert mean_std_cell([0.5], ("a",)).text == "50.00"
    both = mean_std_cell([0.4, 0.6], ("a", "b"))
    assert both.text == f"50.00{PLUS_MINUS}14.14"
    assert (both.value, both.run_keys) == (0.5, ("a", "b"))
    assert mean_std_cell([1.0, 2.0, 6.0], (), format_value=format_count).text == f"3{PLUS_MINUS}2.6"


def test_no_measurement_is_a_dash() -> None:
    assert (mean_std_cell([], ()).text, mean_std_cell([], ()).value) == (NO_VALUE, None)


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
def test_long_list_is_truncated_with_a_count(count: int, text: str) -> None:
    assert truncate_list([str(n) for n in range(count)]) == text
