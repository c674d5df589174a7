"""Shorten and escape untrusted text, such as file names and cells of sheets, for messages.

A file name, a cell of a sheet or a message of a library can hold line breaks, terminal codes, marks that
change the reading direction, bytes that cannot be encoded, or very long text. It must neither move the cursor
nor end a line.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_TEXT_LENGTH = 80
"""Characters of an untrusted text that a message shows."""

MAX_NAMES = 5
"""Names of a list that a message shows."""


def one_line(text: str) -> str:
    """Return `text` with every unprintable character replaced by its escape: `\\n`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def sanitize(text: str, *, max_length: int = MAX_TEXT_LENGTH) -> str:
    """Return a text on one line, with unprintable characters escaped, cut to `max_length` characters."""
    return one_line(text if len(text) <= max_length else text[: max_length - 1] + "…")


def pluralize(count: int, noun: str) -> str:
    """Return a count with its noun: "1 image", "2 images", "2 classes", "2 studies"."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("s"):
        return f"{count} {noun}es"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def summarize_names(names: Sequence[str], *, max_names: int = MAX_NAMES) -> str:
    """Return the first names of a list, and how many more there are."""
    text = ", ".join(sanitize(name) for name in names[:max_names])
    return f"{text} and {len(names) - max_names} more" if len(names) > max_names else text
