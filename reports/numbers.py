"""How numbers are written: percentages with the paper's two decimals, points with a sign, counts in full."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from reports.table import Cell

NO_VALUE = "–"
"""Stands where there is no number to show."""

UNKNOWN = "unknown"
"""Replaces a share that the data do not tell."""

PLUS_MINUS = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
"""Between a mean and its deviation, which stay on one line."""


def format_percent(share: float) -> str:
    """A share in 0..1 as a percentage, without the sign."""
    return f"{100 * share:.2f}"


def format_points(difference: float) -> str:
    """A difference in percentage points, always signed; one that rounds to nothing is 0.00."""
    text = f"{difference:+.2f}"
    return "0.00" if float(text) == 0 else text


def format_count(number: float) -> str:
    """A count with thousands apart, without decimals if it is whole."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def format_percent_or_unknown(share: float | None) -> str:
    """A share in 0..1 as a percentage with its sign, or that it is unknown."""
    return UNKNOWN if share is None else f"{format_percent(share)} %"


def text_cell(text: str) -> Cell:
    """A cell of words."""
    return Cell(text=text)


def count_cell(number: int, run_keys: tuple[str, ...] = ()) -> Cell:
    """A cell that holds a count."""
    return Cell(text=format_count(number), value=number, run_keys=run_keys)


def size_cell(mib: float, run_keys: tuple[str, ...] = ()) -> Cell:
    """A cell that holds a size in MiB."""
    return Cell(text=f"{mib:.2f}", value=mib, run_keys=run_keys)


def share_cell(share: float | None, run_keys: tuple[str, ...]) -> Cell:
    """A cell that holds a share in 0..1 as a percentage, or says that the share is unknown."""
    if share is None:
        return text_cell(UNKNOWN)
    return Cell(text=format_percent(share), value=100 * share, run_keys=run_keys)


def mean_std_cell(
    values: Sequence[float],
    run_keys: tuple[str, ...],
    *,
    format_value: Callable[[float], str] = format_percent,
) -> Cell:
    """One value a seed as the mean and, from two seeds on, the sample standard deviation; none as a dash.

    The cell's value is the mean, in the unit of `values`.
    """
    if not values:
        return text_cell(NO_VALUE)
    mean = statistics.fmean(values)
    deviation = PLUS_MINUS + format_value(statistics.stdev(values)) if len(values) > 1 else ""
    return Cell(text=format_value(mean) + deviation, value=mean, run_keys=run_keys)
