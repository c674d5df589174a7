"""The files of an archive: which names there can be, and reading them from a zip that nobody vouches for.

Names are matched against what an exported study holds, so none can lead out of a folder; sizes are bounded
before a byte is unpacked; every byte is held against the manifest's digest. Weights are never opened.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.text import named, shown
from harness.tracking.ledger import WEIGHTS
from studies.codec import from_data, parsed

FORMAT, VERSION = "harness study", 1
MANIFEST, STUDY, FAILURES, CELLS = "manifest.json", "study.json", "failures.json", "cells"
PICTURES, REPORT = "pictures", "report"

_ARTIFACT = (
    r"(?:result\.json|predictions\.csv|environment\.json|confusion_matrix\.csv"
    r"|weights\.safetensors|weights\.pt|[a-z0-9_-]+\.png)"
)
_PART = r"[A-Za-z0-9_+-][A-Za-z0-9_+.-]{0,199}"
_NAME = re.compile(
    rf"manifest\.json|study\.json|failures\.json|cells/[0-9a-f]{{16}}/{_ARTIFACT}|pictures/{_PART}\.png"
    rf"|report(?:/{_PART}){{1,4}}"
)

CHUNK = 1 << 20
LARGEST, IN_ALL = 256 << 20, 4 << 30
"""Bytes that a member, and all but the weights together, may unpack to; weights are stored as they are."""

AGAIN = "export or fetch it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the archive, as its manifest lists it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive says of itself; `runs` are each cell's key and its run where it was exported."""

    format: str = FORMAT
    version: int = VERSION
    study: str
    runs: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]


def is_member(name: str) -> bool:
    """Whether an archive may hold a file of that name."""
    return _NAME.fullmatch(name) is not None


def data_of(content: bytes, name: str) -> Any:
    """A JSON member's value.

    Raises:
        ValueError: it is no JSON, or holds a text that cannot be written as UTF-8.
    """
    try:
        return parsed(content)
    except ValueError as error:
        raise ValueError(f"{name} must be JSON in UTF-8: {error}; {AGAIN}") from error


class Members:
    """The members of an open zip, all checked as this is made.

    Raises:
        ValueError: one is damaged, not as the manifest says, of a name, a kind or a size that none may have.
    """

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._zip = packed
        self._entries = dict(_entries(packed))
        self.manifest = self._manifest()
        self._members = {member.name: member for member in self.manifest.members}
        self._check_names()
        self._check_sizes()
        for name in self._members:
            for _ in self.chunks(name):
                pass

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def under(self, folder: str) -> tuple[str, ...]:
        """The names of the members of a folder, sorted."""
        return tuple(sorted(name for name in self._members if name.startswith(f"{folder}/")))

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member piece by piece; ValueError at its end where it is not what the manifest says."""
        member, digest, size = self._members[name], hashlib.sha256(), 0
        with as_damage(), self._zip.open(self._entries[name]) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                yield chunk
        if size != member.size or digest.hexdigest() != member.sha256:
            raise ValueError(f"{name} must have the sha256 of {MANIFEST}; it was changed: {AGAIN}")

    def read(self, name: str) -> bytes:
        """A member's bytes."""
        return b"".join(self.chunks(name))

    def copy(self, name: str, target: Path) -> None:
        """Write a member to `target`, whatever its size."""
        with target.open("wb") as file:
            for chunk in self.chunks(name):
                file.write(chunk)

    def _manifest(self) -> Manifest:
        if MANIFEST not in self._entries:
            raise ValueError(f"an exported study must hold {MANIFEST}; got {named(list(self._entries))}")
        with as_damage(), self._zip.open(self._entries[MANIFEST]) as file:
            data = data_of(file.read(LARGEST), MANIFEST)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"{MANIFEST} must be of the format {FORMAT!r}; {AGAIN}")
        if data.get("version") != VERSION:
            raise ValueError(
                f"the format's version must be {VERSION}; got {shown(repr(data.get('version')))}: import it "
                "with the harness that wrote it, or export it with this one"
            )
        return from_data(Manifest, data)

    def _check_names(self) -> None:
        if len(self._members) != len(self.manifest.members):
            raise ValueError(f"{MANIFEST} must list every member once; {AGAIN}")
        found = set(self._entries) - {MANIFEST}
        lacking, unlisted = {*self._members, STUDY, FAILURES} - found, found - set(self._members)
        rule = f"it must hold what {MANIFEST} lists and nothing else"
        if lacking:
            raise ValueError(f"{rule}; {named(sorted(lacking))} is missing: {AGAIN}")
        if unlisted:
            raise ValueError(f"{rule}; {named(sorted(unlisted))} is not listed: {AGAIN}")

    def _check_sizes(self) -> None:
        unpacked = 0
        for name, member in self._members.items():
            entry = self._entries[name]
            if entry.file_size != member.size:
                raise ValueError(
                    f"{name} must have {member.size} bytes by {MANIFEST}; got {entry.file_size}: {AGAIN}"
                )
            if name.rpartition("/")[2] in WEIGHTS:
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{name} must not be compressed; {AGAIN}")
                continue
            unpacked += member.size
            if member.size > LARGEST or unpacked > IN_ALL:
                raise ValueError(
                    f"members but weights must unpack to at most {LARGEST >> 20} MiB each and "
                    f"{IN_ALL >> 30} GiB in all; {name} goes beyond"
                )


def _entries(packed: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """What the zip lists, by name: plain files that a study may have, none twice."""
    seen: set[str] = set()
    for entry in packed.infolist():
        name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
        if name != entry.filename or not is_member(name):
            raise ValueError(f"members must be named as an exported study's files are; got {shown(name)}")
        if kind not in (0, stat.S_IFREG):
            raise ValueError(f"members must be plain files; {name} is a link or something else")
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"members must be stored or deflated, without a password; {name} is not")
        if name in seen:
            raise ValueError(f"members must have a name each; {name} is there twice")
        seen.add(name)
        yield name, entry


@contextmanager
def as_damage() -> Iterator[None]:
    """Whatever reading a zip raises where its bytes are wrong, as a ValueError."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        OverflowError,
        OSError,
        struct.error,
    ) as error:
        raise ValueError(f"it must be a whole zip file ({error}); {AGAIN}") from error
