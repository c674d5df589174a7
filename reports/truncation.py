"""Truncate lists of names or findings in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

MAX_ITEMS = 3
"""Number of items shown of a list with at least two more items."""


def truncate_list(texts: Sequence[str]) -> str:
    """Join texts with commas; show only the first `MAX_ITEMS` if there are more than `MAX_ITEMS` + 1.

    Pass the most important texts first.
    """
    if len(texts) <= MAX_ITEMS + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:MAX_ITEMS])} and {len(texts) - MAX_ITEMS} more below"
