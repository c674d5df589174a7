"""How numbers are written: percentages with the paper's two decimals, points with a sign, counts in full."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from reports.table import Cell

NOTHING = "–"
"""Stands where there is no number to show."""

UNKNOWN = "unknown"
"""Replaces a share that the data do not tell."""

PLUS_MINUS = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
"""Between a mean and its deviation, which stay on one line."""


def percent(share: float) -> str:
    """A share in 0..1 as a percentage, without the sign."""
    return f"{100 * share:.2f}"


def points(difference: float) -> str:
    """A difference in percentage points, always signed; one that rounds to nothing is 0.00."""
    text = f"{difference:+.2f}"
    return "0.00" if float(text) == 0 else text


def count(number: float) -> str:
    """A count with thousands apart, without decimals if it is whole."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def percent_or_unknown(share: float | None) -> str:
    """A share in 0..1 as a percentage with its sign, or that it is unknown."""
    return UNKNOWN if share is None else f"{percent(share)} %"


def label(text: str) -> Cell:
    """A cell of words."""
    return Cell(text=text)


def whole(number: int, keys: tuple[str, ...] = ()) -> Cell:
    """A cell that holds a count."""
    return Cell(text=count(number), value=number, run_keys=keys)


def size(mib: float, keys: tuple[str, ...] = ()) -> Cell:
    """A cell that holds a size in MiB."""
    return Cell(text=f"{mib:.2f}", value=mib, run_keys=keys)


def share_cell(share: float | None, keys: tuple[str, ...]) -> Cell:
    """A cell that holds a share in 0..1 as a percentage, or says that the share is unknown."""
    if share is None:
        return label(UNKNOWN)
    return Cell(text=percent(share), value=100 * share, run_keys=keys)


def spread(values: Sequence[float], keys: tuple[str, ...], *, show: Callable[[float], str] = percent) -> Cell:
    """One value a seed as the mean and, from two seeds on, the sample standard deviation; none as a dash.

    The cell's value is the mean, in the unit of `values`.
    """
    if not values:
        return label(NOTHING)
    mean = statistics.fmean(values)
    deviation = PLUS_MINUS + show(statistics.stdev(values)) if len(values) > 1 else ""
    return Cell(text=show(mean) + deviation, value=mean, run_keys=keys)
