"""What both forms of a user's own images are read into: rows of text, and the faults met on the way."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from datasets.spec import Anomaly

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
SINGLES = 20
"""So many faults of one kind stand alone; one more entry counts the rest."""

LONGEST_NAME = 100
_LONGEST_TEXT = 200
_UNWRITABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One image as it was named.

    `where` is the place that faults name; `id` the path below the root with forward slashes; `path` where the
    file lies here and `real` the same without links; `subject` and `clip` are "" and `frame` is None where
    they are not told. `written_label` is the label before white space was removed.
    """

    where: str
    id: str
    path: str
    real: str
    label: str
    subject: str = ""
    clip: str = ""
    frame: int | None = None
    written_label: str = ""


class Faults:
    """Anomalies as they are met: of each code the first `SINGLES` one by one, the rest as a count."""

    def __init__(self) -> None:
        self._first: dict[str, list[Anomaly]] = {}
        self._count: dict[str, int] = {}

    def add(self, code: str, where: str, *, what: str, action: str) -> None:
        """Note one fault; its texts are made safe to print and to encode."""
        first = self._first.setdefault(code, [])
        self._count[code] = self._count.get(code, 0) + 1
        if len(first) < SINGLES:
            first.append(Anomaly(code=code, where=shown(where), what=shown(what), action=action))

    def anomalies(self) -> tuple[Anomaly, ...]:
        """Everything noted, one code after the other, in the order in which they were met."""
        found: list[Anomaly] = []
        for code, first in self._first.items():
            found += first
            rest = self._count[code] - len(first)
            if rest:
                what = f"{rest} more of this kind, {self._count[code]} in all"
                found.append(Anomaly(code=code, where="several places", what=what, action=first[0].action))
        return tuple(found)

    def summary(self) -> str:
        """How many of each code, and the first of all, for a message that nothing is left."""
        if not self._count:
            return ""
        counts = ", ".join(f"{code}: {count}" for code, count in self._count.items())
        first = next(iter(self._first.values()))[0]
        return f" Left out: {counts}; the first: {first.where}: {first.what}."


class Places:
    """Where files really lie, links followed; the folders between are resolved once each."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._folders: dict[str, str] = {}

    def real(self, path: str) -> str:
        """A path without links, whether there is a file or not."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        whole = os.path.join(self._folders[folder], name)
        return os.path.realpath(whole) if os.path.islink(whole) else whole

    def holds(self, real: str) -> bool:
        """Whether a path without links lies below the root."""
        return real.startswith(self.root.rstrip(os.sep) + os.sep)


def named(text: str) -> str:
    """A name without white space around it, in one Unicode spelling whatever the file system's."""
    return unicodedata.normalize("NFC", text.strip())


def unwritable(text: str) -> bool:
    """Whether a name holds control characters, line breaks or bytes that are no UTF-8."""
    return not text.isprintable() and any(unicodedata.category(char) in _UNWRITABLE for char in text)


def is_image(name: str) -> bool:
    """Whether a file name has the suffix of an image."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def shown(text: str) -> str:
    """A text in one line that can always be encoded, shortened in the middle."""
    if unwritable(text):
        safe = (repr(char)[1:-1] if unicodedata.category(char) in _UNWRITABLE else char for char in text)
        text = "".join(safe)
    half = _LONGEST_TEXT // 2
    return text if len(text) <= _LONGEST_TEXT else f"{text[:half]}…{text[-half:]}"
