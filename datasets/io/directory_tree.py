"""A folder tree read defensively: links, junk files and unreadable folders do not raise."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datasets.spec import Anomaly
from datasets.synthetic_marker import MARKER

MAX_DEPTH = 4
"""Levels below the root at which a release is searched; copies are often nested twice, not deeper."""

_JUNK = re.compile(rf"\..*|~\$.*|__MACOSX|Thumbs\.db|desktop\.ini|.+\.lnk|{re.escape(MARKER)}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """Files and folders of one folder, by name, without junk of systems and editors and without `MARKER`."""

    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()


class DirectoryTree:
    """The folders below `root`. Each is read once, on first access.

    A link is followed if it stays below the root and does not lead to one of its own parent folders. Every
    link that is not followed, and every folder that cannot be read, is added to `anomalies`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.anomalies: list[Anomaly] = []
        self._resolved_root = Path(os.path.realpath(self.root))
        self._listings: dict[Path, Listing] = {}

    def list_folder(self, folder: Path) -> Listing:
        """Return the contents of a folder; an empty listing if the folder cannot be read."""
        if folder not in self._listings:
            self._listings[folder] = self._scan_folder(folder)
        return self._listings[folder]

    def walk(self, *, max_depth: int = MAX_DEPTH) -> Iterator[tuple[Path, Listing]]:
        """Yield each folder down to `max_depth` levels below the root with its contents, level by level."""
        pending = deque([(self.root, 0)])
        while pending:
            folder, depth = pending.popleft()
            listing = self.list_folder(folder)
            yield folder, listing
            if depth < max_depth:
                pending.extend((child, depth + 1) for child in listing.folders)

    def relative_to_root(self, path: Path | str) -> str:
        """Return a path relative to the root, with forward slashes."""
        return Path(path).relative_to(self.root).as_posix()

    def _scan_folder(self, folder: Path) -> Listing:
        files: list[Path] = []
        folders: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if _JUNK.fullmatch(entry.name) or (entry.is_symlink() and self._escapes_root(entry)):
                        continue
                    if entry.is_dir():
                        folders.append(Path(entry.path))
                    elif entry.is_file():
                        files.append(Path(entry.path))
        except OSError as error:
            self._add_anomaly("unreadable folder", folder, str(error.strerror), "the folder was left out")
        return Listing(tuple(files), tuple(folders))

    def _escapes_root(self, entry: os.DirEntry[str]) -> bool:
        """Return True and add an anomaly if a link is broken, leaves the root or leads to a parent folder."""
        link = Path(entry.path)
        target = Path(os.path.realpath(link))
        if not target.exists():
            self._add_anomaly(
                "broken link", link, f"it leads to {target}, which is not there", "it was left out"
            )
        elif not target.is_relative_to(self._resolved_root):
            self._add_anomaly(
                "link out of the root",
                link,
                f"it leads to {target}",
                "it was not followed; name that folder as the root, or copy it",
            )
        elif Path(os.path.realpath(link.parent)).is_relative_to(target):
            self._add_anomaly("link in a circle", link, f"it leads to {target}", "it was not followed")
        else:
            return False
        return True

    def _add_anomaly(self, code: str, path: Path, description: str, action: str) -> None:
        self.anomalies.append(
            Anomaly(code=code, location=self.relative_to_root(path), description=description, action=action)
        )
