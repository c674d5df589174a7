"""A list of names or findings in a sentence: the first few, and how many more stand in the tables."""

from __future__ import annotations

from collections.abc import Sequence

MAX_ITEMS = 3
"""Most that are told where more than one would be left out."""


def truncate_list(texts: Sequence[str]) -> str:
    """The texts in their order, cut after the third if more than four: give the most important first."""
    if len(texts) <= MAX_ITEMS + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:MAX_ITEMS])} and {len(texts) - MAX_ITEMS} more below"
