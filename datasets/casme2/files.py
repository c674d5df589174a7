"""CASME II on disk: where releases and tables lie below a folder.

Copies differ in how they are nested and named, so nothing is looked for by a fixed folder name: a release is
a folder whose subject folders hold clips, a table is any file that could be a coding sheet.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from datasets.casme2.facts import OBTAIN as OBTAIN
from datasets.casme2.facts import TABLES
from datasets.casme2.takes import Release, releases, subject_id
from datasets.tree import LEVELS, Tree


def find(tree: Tree) -> tuple[tuple[Release, ...], tuple[Path, ...]]:
    """Every release and every table at most four levels below the root; either may be empty.

    Raises:
        ValueError: the root is not there or no folder.
    """
    if not os.path.exists(tree.root):
        raise ValueError(f"the data folder must exist: there is no {tree.root}. {OBTAIN}")
    if not os.path.isdir(tree.root):
        raise ValueError(f"the data must be a folder: {tree.root} is a file; name the folder that holds it.")
    found: list[Release] = []
    tables: list[Path] = []
    for folder, here in _folders(tree):
        found += here
        tables += [path for path in tree.listed(folder).files if path.suffix.lower() in TABLES]
    return tuple(found), tuple(tables)


def _folders(tree: Tree) -> Iterator[tuple[Path, tuple[Release, ...]]]:
    """Every folder once, however many links lead to it, with its releases; their subjects are left out."""
    pending = deque([(tree.root, 0)])
    seen: set[tuple[int, int]] = set()
    while pending:
        folder, depth = pending.popleft()
        try:
            status = os.stat(folder)
        except OSError:
            # Listing it notes why.
            tree.listed(folder)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        here = releases(tree, folder)
        yield folder, here
        if depth < LEVELS:
            children = tree.listed(folder).folders
            pending.extend((child, depth + 1) for child in children if not (here and subject_id(child.name)))
