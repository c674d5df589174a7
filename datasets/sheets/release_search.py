"""Find the releases and tables of a data set below a folder.

Copies differ in nesting and names, so the search uses no fixed folder name: a release is a folder whose
subject folders hold clips, and a table is any file that could be a coding sheet.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from datasets.errors import DatasetError
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree
from datasets.sheets.clip_files import ClipFolders, Release, build_releases, list_child_folders
from datasets.sheets.facts import TABLE_SUFFIXES, SheetFacts


def find_releases(
    tree: DirectoryTree, *, facts: SheetFacts, list_clips: ClipFolders = list_child_folders
) -> tuple[tuple[Release, ...], tuple[Path, ...]]:
    """Find every release and every table at most `MAX_DEPTH` levels below the root; either may be empty.

    `list_clips` lists the clip folders of a subject folder.

    Raises:
        DatasetError: The root does not exist or is not a folder.
    """
    if not os.path.exists(tree.root):
        raise DatasetError(
            "release-root.missing",
            f"the data folder must exist: there is no {tree.root}. {facts.access_instructions}",
        )
    if not os.path.isdir(tree.root):
        raise DatasetError(
            "release-root.not-a-folder",
            f"the data must be a folder: {tree.root} is a file; name the folder that holds it.",
        )
    releases: list[Release] = []
    tables: list[Path] = []
    for folder, folder_releases in _walk_folders(tree, facts=facts, list_clips=list_clips):
        releases += folder_releases
        tables += [path for path in tree.list_folder(folder).files if path.suffix.lower() in TABLE_SUFFIXES]
    return tuple(releases), tuple(tables)


def _walk_folders(
    tree: DirectoryTree, *, facts: SheetFacts, list_clips: ClipFolders
) -> Iterator[tuple[Path, tuple[Release, ...]]]:
    """Yield each folder once, even if several links lead to it, with its releases; skip subject folders."""
    pending = deque([(tree.root, 0)])
    visited: set[tuple[int, int]] = set()
    while pending:
        folder, depth = pending.popleft()
        try:
            status = os.stat(folder)
        except OSError:
            # Listing the folder adds the anomaly.
            tree.list_folder(folder)
            continue
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        folder_releases = build_releases(tree, folder, facts=facts, list_clips=list_clips)
        yield folder, folder_releases
        if depth < MAX_DEPTH:
            children = tree.list_folder(folder).folders
            pending.extend(
                (child, depth + 1)
                for child in children
                if not (folder_releases and facts.parse_subject(child.name))
            )
