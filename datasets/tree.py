"""A folder tree as it lies on disk, read without trust: links, junk and folders that cannot be opened."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datasets.marker import MARKER
from datasets.spec import Anomaly

LEVELS = 4
"""How far below its root a release is looked for: double nesting is the rule, more is not seen."""

_JUNK = re.compile(rf"\..*|~\$.*|__MACOSX|Thumbs\.db|desktop\.ini|.+\.lnk|{re.escape(MARKER)}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """Files and folders of one folder, by name, without what systems, editors and `mark` leave in it."""

    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()


class Tree:
    """The folders below `root`, each read once when first asked for.

    A link is followed while it stays below the root and leads to no folder above itself; what is not
    followed, and what cannot be opened, stands in `anomalies`, never raises.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.anomalies: list[Anomaly] = []
        self._real = Path(os.path.realpath(self.root))
        self._read: dict[Path, Listing] = {}

    def listed(self, folder: Path) -> Listing:
        """What a folder holds; nothing where it cannot be opened."""
        if folder not in self._read:
            self._read[folder] = self._list(folder)
        return self._read[folder]

    def walk(self, *, levels: int = LEVELS) -> Iterator[tuple[Path, Listing]]:
        """Every folder down to `levels` below the root with what it holds, the upper ones first."""
        pending = deque([(self.root, 0)])
        while pending:
            folder, depth = pending.popleft()
            listing = self.listed(folder)
            yield folder, listing
            if depth < levels:
                pending.extend((child, depth + 1) for child in listing.folders)

    def relative(self, path: Path | str) -> str:
        """A path below the root as texts name it, with forward slashes."""
        return Path(path).relative_to(self.root).as_posix()

    def _list(self, folder: Path) -> Listing:
        files: list[Path] = []
        folders: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if _JUNK.fullmatch(entry.name) or (entry.is_symlink() and self._astray(entry)):
                        continue
                    if entry.is_dir():
                        folders.append(Path(entry.path))
                    elif entry.is_file():
                        files.append(Path(entry.path))
        except OSError as error:
            self._note("unreadable folder", folder, str(error.strerror), "the folder was left out")
        return Listing(tuple(files), tuple(folders))

    def _astray(self, entry: os.DirEntry[str]) -> bool:
        """Whether a link leads out of the root, to nothing, or back to a folder that it lies in."""
        link = Path(entry.path)
        target = Path(os.path.realpath(link))
        if not target.exists():
            self._note("broken link", link, f"it leads to {target}, which is not there", "it was left out")
        elif not target.is_relative_to(self._real):
            self._note(
                "link out of the root",
                link,
                f"it leads to {target}",
                "it was not followed; name that folder as the root, or copy it",
            )
        elif Path(os.path.realpath(link.parent)).is_relative_to(target):
            self._note("link in a circle", link, f"it leads to {target}", "it was not followed")
        else:
            return False
        return True

    def _note(self, code: str, where: Path, what: str, action: str) -> None:
        self.anomalies.append(Anomaly(code=code, where=self.relative(where), what=what, action=action))
