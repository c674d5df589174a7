"""Rows that both layouts of a user's own images are read into, and the log of their anomalies."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from datasets.io.image_names import IMAGE_SUFFIXES
from datasets.spec import Anomaly

MAX_LISTED = 20
"""Anomalies of one code that are listed one by one; one more entry counts the rest."""

MAX_NAME_LENGTH = 100
_MAX_TEXT_LENGTH = 200
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """One image and its metadata, before checks across rows.

    Attributes:
        location: Location that anomalies show, such as a line of the CSV.
        id: Path below the root, with forward slashes.
        path: Path of the file on this machine.
        resolved_path: `path` with links resolved.
        label: Class name without surrounding white space.
        subject: Subject, or "" if unknown.
        clip: Clip, or "" if unknown.
        frame_number: Frame number, or None if unknown.
        raw_label: Class name as written.
    """

    location: str
    id: str
    path: str
    resolved_path: str
    label: str
    subject: str = ""
    clip: str = ""
    frame_number: int | None = None
    raw_label: str = ""


class AnomalyLog:
    """Log of anomalies: of each code, the first `MAX_LISTED` one by one and the others as a count."""

    def __init__(self) -> None:
        self._anomalies: dict[str, list[Anomaly]] = {}
        self._counts: dict[str, int] = {}

    def add(self, code: str, location: str, *, description: str, action: str) -> None:
        """Add one anomaly; its texts are made safe to print and to encode."""
        anomalies = self._anomalies.setdefault(code, [])
        self._counts[code] = self._counts.get(code, 0) + 1
        if len(anomalies) < MAX_LISTED:
            anomalies.append(
                Anomaly(
                    code=code,
                    location=truncate_middle(location),
                    description=truncate_middle(description),
                    action=action,
                )
            )

    def get_anomalies(self) -> tuple[Anomaly, ...]:
        """Return all anomalies, grouped by code, in the order in which they were added."""
        result: list[Anomaly] = []
        for code, anomalies in self._anomalies.items():
            result += anomalies
            num_unlisted = self._counts[code] - len(anomalies)
            if num_unlisted:
                description = f"{num_unlisted} more of this kind, {self._counts[code]} in all"
                result.append(
                    Anomaly(
                        code=code,
                        location="several places",
                        description=description,
                        action=anomalies[0].action,
                    )
                )
        return tuple(result)

    def summarize(self) -> str:
        """Return the count of each code and the first anomaly, for an error about too few images."""
        if not self._counts:
            return ""
        counts = ", ".join(f"{code}: {count}" for code, count in self._counts.items())
        first = next(iter(self._anomalies.values()))[0]
        return f" Left out: {counts}; the first: {first.location}: {first.description}."


class PathResolver:
    """Resolve links in paths; each folder is resolved once."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._folders: dict[str, str] = {}

    def resolve(self, path: str) -> str:
        """Return a path with links resolved; the file need not exist."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        full_path = os.path.join(self._folders[folder], name)
        return os.path.realpath(full_path) if os.path.islink(full_path) else full_path

    def contains(self, resolved_path: str) -> bool:
        """Return True if a resolved path lies below the root."""
        return resolved_path.startswith(self.root.rstrip(os.sep) + os.sep)


def normalize_name(text: str) -> str:
    """Strip white space around a name and convert it to NFC, because file systems differ in Unicode form."""
    return unicodedata.normalize("NFC", text.strip())


def has_unsafe_chars(text: str) -> bool:
    """Return True if a name holds control characters, line breaks or bytes that are not UTF-8."""
    return not text.isprintable() and any(unicodedata.category(char) in _UNSAFE_CATEGORIES for char in text)


def is_image(name: str) -> bool:
    """Return True if a file name has the suffix of an image."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def truncate_middle(text: str) -> str:
    """Return a text on one line that can always be encoded, shortened in the middle."""
    if has_unsafe_chars(text):
        characters = (
            repr(char)[1:-1] if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in text
        )
        text = "".join(characters)
    half = _MAX_TEXT_LENGTH // 2
    return text if len(text) <= _MAX_TEXT_LENGTH else f"{text[:half]}…{text[-half:]}"
