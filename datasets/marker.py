"""The file by which drawn faces are told from a real release, whose layout they share to the letter."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MARKER = "DRAWN-BY-HARNESS.txt"
_FACE_SUFFIXES = (".jpg", ".png", ".avi")
_MARKER_TEXT = f"""\
The faces in this folder and below it are drawn by `harness data synthesize`. They are no release of CASME II
or CK+, and no number obtained on them says anything about people.

harness looks for {MARKER} beside the images it reads and in the folders above: where it lies, listings and
reports say that the faces are drawn. Keep it with them, and put no other images here.
"""


def write_marker(root: Path) -> None:
    """Put the file into `tree`, and into each folder of faces right below, which may be taken out of it.

    Labels are left as they are released: they are text files too.
    """
    face_folders = [
        child for child in root.iterdir() if any(path.suffix in _FACE_SUFFIXES for path in child.rglob("*"))
    ]
    for folder in (root, *face_folders):
        (folder / MARKER).write_text(_MARKER_TEXT, encoding="utf-8", newline="\n")


def has_marker(paths: Iterable[str]) -> bool:
    """Whether any of these files lies in a marked folder, at whatever depth, as the disk really has it."""
    folders = {Path(os.path.realpath(folder)) for folder in {os.path.dirname(path) for path in paths}}
    ancestors = folders.union(*(folder.parents for folder in folders))
    return any(os.path.isfile(folder / MARKER) for folder in ancestors)
