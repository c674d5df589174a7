"""Labels of the composite as text: a whole number, or the name of a class."""

from __future__ import annotations

import re

from datasets.megc2019.constants import CLASSES

MAX_LABEL = 99
LABEL_RULE = f"a label is a whole number from 0 to {MAX_LABEL}, or one of {', '.join(CLASSES)}"
LABEL_REMEDY = "number the classes from 0"

_NUMBER = re.compile(r"([0-9]{1,2})(?:\.0+)?")


def parse_label(text: str) -> int | None:
    """Return the label that a text names, or None for other texts. "1.0" is 1, as spreadsheets write it."""
    name = text.strip().strip("'\"").casefold()
    match = _NUMBER.fullmatch(name)
    if match:
        return int(match[1])
    return CLASSES.index(name) if name in CLASSES else None
