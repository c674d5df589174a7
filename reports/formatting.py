"""Format numbers and table cells: percentages with two decimals as in the paper, signed points, counts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from reports.table import Cell
from studies.statistics.verdicts import Estimate

NO_VALUE = "–"
"""Text of a cell without a value."""

UNKNOWN = "unknown"
"""Text for a share that the data do not determine."""

PLUS_MINUS = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
"""Separator between mean and standard deviation, without a line break."""


def format_percent(share: float) -> str:
    """Format a share in [0, 1] as a percentage without the % sign."""
    return f"{100 * share:.2f}"


def format_points(difference: float) -> str:
    """Format a difference in percentage points with its sign; "0.00" if it rounds to zero."""
    text = f"{difference:+.2f}"
    return "0.00" if float(text) == 0 else text


def format_count(number: float) -> str:
    """Format a count with thousands separators; without decimals if it is an integer."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def format_percent_or_unknown(share: float | None) -> str:
    """Format a share in [0, 1] as a percentage with the % sign, or None as "unknown"."""
    return UNKNOWN if share is None else f"{format_percent(share)} %"


def text_cell(text: str, run_keys: tuple[str, ...] = ()) -> Cell:
    """Return a cell of text without a value."""
    return Cell(text=text, run_keys=run_keys)


def count_cell(number: int, run_keys: tuple[str, ...] = ()) -> Cell:
    """Return a cell with a count."""
    return Cell(text=format_count(number), value=number, run_keys=run_keys)


def size_cell(mib: float, run_keys: tuple[str, ...] = ()) -> Cell:
    """Return a cell with a size in MiB."""
    return Cell(text=f"{mib:.2f}", value=mib, run_keys=run_keys)


def share_cell(share: float | None, run_keys: tuple[str, ...]) -> Cell:
    """Return a cell with a share in [0, 1] as a percentage, or with "unknown"."""
    if share is None:
        return text_cell(UNKNOWN)
    return Cell(text=format_percent(share), value=100 * share, run_keys=run_keys)


def mean_std_cell(
    values: Sequence[float],
    run_keys: tuple[str, ...],
    *,
    format_value: Callable[[float], str] = format_percent,
) -> Cell:
    """Return a cell with the mean of one value per training, and with two or more the standard deviation.

    The deviation is that of the sample. The cell's value is the mean, in the unit of `values`. Without values
    the cell shows a dash.
    """
    if not values:
        return text_cell(NO_VALUE)
    mean = statistics.fmean(values)
    deviation = PLUS_MINUS + format_value(statistics.stdev(values)) if len(values) > 1 else ""
    return Cell(text=format_value(mean) + deviation, value=mean, run_keys=run_keys)


MAX_ITEMS = 3
"""Number of items shown of a list with at least two more items."""


def truncate_list(texts: Sequence[str]) -> str:
    """Join texts with commas; show only the first `MAX_ITEMS` if there are more than `MAX_ITEMS` + 1.

    Pass the most important texts first.
    """
    if len(texts) <= MAX_ITEMS + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:MAX_ITEMS])} and {len(texts) - MAX_ITEMS} more below"


def format_estimate(estimate: Estimate, *, unit: str = "") -> str:
    """Return a difference in percentage points with its interval, such as "+3.10 [+0.20 to +6.00]".

    `unit` follows the difference, for text that does not say "in points".
    """
    return f"{format_points(100 * estimate.value)}{unit} [{format_interval(estimate)}]"


def format_interval(estimate: Estimate | None) -> str:
    """Return the interval in percentage points, or a dash if there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NO_VALUE
    return f"{format_points(100 * estimate.low)} to {format_points(100 * estimate.high)}"
