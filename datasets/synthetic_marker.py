"""The marker file that distinguishes synthetic faces from a real release, whose layout they share exactly."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MARKER = "DRAWN-BY-HARNESS.txt"
_FACE_SUFFIXES = (".jpg", ".png", ".bmp", ".avi")
_MARKER_TEXT = f"""\
The faces in this folder and below it are synthetic: `harness data synthesize` rendered them. They are not a
release of a real data set, and no result on them says anything about people.

harness looks for {MARKER} beside the images it reads and in the folders above: where it is found, listings
and reports say that the faces are synthetic. Keep it with them, and put no other images here.
"""


def write_marker(root: Path) -> None:
    """Write the marker into `root` and into each folder of faces directly below, which may be moved alone.

    Folders of labels get no marker, because their text files must match the release.
    """
    face_folders = [
        child for child in root.iterdir() if any(path.suffix in _FACE_SUFFIXES for path in child.rglob("*"))
    ]
    for folder in (root, *face_folders):
        (folder / MARKER).write_text(_MARKER_TEXT, encoding="utf-8", newline="\n")


def has_marker(paths: Iterable[str]) -> bool:
    """Return True if any of these files lies below a folder with the marker, with links resolved."""
    folders = {Path(os.path.realpath(folder)) for folder in {os.path.dirname(path) for path in paths}}
    ancestors = folders.union(*(folder.parents for folder in folders))
    return any(os.path.isfile(folder / MARKER) for folder in ancestors)
