"""Escape untrusted text to one printable line, so that it can neither move the cursor nor end a line.

File names, cells of sheets and messages of libraries can hold line breaks, terminal codes, marks that change
the reading direction, and bytes that cannot be encoded.
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return `text` with every unprintable character replaced by its escape: `\\n`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
