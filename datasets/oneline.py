"""Text of others on one line: the one rule by which a foreign name can neither move a cursor nor end a line.

Names of files, cells of sheets and reasons of libraries hold line breaks, terminal codes, marks that turn the
direction of reading, and bytes that are no text and that no file or terminal takes.
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """`text` with every character that does not print as its escape: `\\n`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
