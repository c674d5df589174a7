"""A list of names or findings in a sentence: the first few, and how many more stand in the tables."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3
"""Most that are told where more than one would be left out."""


def few(texts: Sequence[str]) -> str:
    """The texts in their order, cut after the third if more than four: give the most important first."""
    if len(texts) <= SHOWN + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:SHOWN])} and {len(texts) - SHOWN} more below"
