"""The members of an archive: their allowed names, and reading them from an untrusted zip file.

Names must match those of an exported study, so none can escape its folder. Sizes are bounded before anything
is unpacked, and every member is checked against its digest in the manifest. Weights are never opened.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.text import sanitize, summarize_names
from harness.errors import HarnessError
from harness.tracking.study_reader import WEIGHT_FILES
from studies.codec import decode_json, from_data, name_json_type

FORMAT_NAME, FORMAT_VERSION = "harness study", 1
MANIFEST_FILE, STUDY_FILE, FAILURES_FILE, CELLS_FOLDER = (
    "manifest.json",
    "study.json",
    "failures.json",
    "cells",
)
REPORT_FOLDER = "report"

_ARTIFACT_PATTERN = (
    r"(?:result\.json|predictions\.csv|environment\.json|confusion_matrix\.csv"
    r"|weights\.safetensors|weights\.pt|leaky_epochs\.csv|[a-z0-9_-]+\.png)"
)
_FILE_NAME_PATTERN = r"[A-Za-z0-9_+-][A-Za-z0-9_+.-]{0,199}"
_MEMBER_PATTERN = re.compile(
    rf"manifest\.json|study\.json|failures\.json|cells/[0-9a-f]{{16}}/{_ARTIFACT_PATTERN}"
    rf"|pictures/{_FILE_NAME_PATTERN}\.png|report(?:/{_FILE_NAME_PATTERN}){{1,4}}"
)

CHUNK_BYTES = 1 << 20
MAX_MEMBER_BYTES, MAX_TOTAL_BYTES = 256 << 20, 4 << 30
"""Maximum unpacked size of a member, and of all members together, except for weights (not compressed)."""

EXPORT_AGAIN = "export or fetch it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the archive, as listed in the manifest."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of an archive.

    `runs` holds the key and original run id of each finished cell, `commands` the command lines that ran the
    study, `alias` the alias of the study or "".
    """

    format: str = FORMAT_NAME
    version: int = FORMAT_VERSION
    study: str
    runs: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]
    commands: tuple[str, ...] = ()
    alias: str = ""


def is_member_name(name: str) -> bool:
    """Return True if an archive may hold a file of this name."""
    return _MEMBER_PATTERN.fullmatch(name) is not None


def parse_json(content: bytes, name: str) -> Any:
    """Return the value of a JSON member.

    Raises:
        HarnessError: the content is not JSON, or holds a text that cannot be written as UTF-8.
    """
    try:
        return decode_json(content)
    except ValueError as error:
        raise HarnessError(
            "archive.not-json", f"{name} must be JSON in UTF-8: {error}; {EXPORT_AGAIN}"
        ) from error


class MemberReader:
    """Reads the members of an open zip file; the constructor checks all of them.

    Raises:
        ValueError: a member is damaged, differs from the manifest, or has a forbidden name, type or size.
    """

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self._zip = zip_file
        self._entries = dict(_read_entries(zip_file))
        self.manifest = self._read_manifest()
        self._members = {member.name: member for member in self.manifest.members}
        self._check_names()
        self._check_sizes()
        for name in self._members:
            for _ in self.iter_chunks(name):
                pass

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def list_folder(self, folder: str) -> tuple[str, ...]:
        """Return the names of the members of a folder, sorted."""
        return tuple(sorted(name for name in self._members if name.startswith(f"{folder}/")))

    def iter_chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member in chunks; raise HarnessError at its end if it differs from the manifest."""
        member, digest, size = self._members[name], hashlib.sha256(), 0
        with convert_zip_errors(), self._zip.open(self._entries[name]) as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                yield chunk
        if size != member.size or digest.hexdigest() != member.sha256:
            raise HarnessError(
                "archive.wrong-digest",
                f"{name} must have the sha256 {sanitize(member.sha256)} of {MANIFEST_FILE}; got "
                f"{digest.hexdigest()}: {EXPORT_AGAIN}",
            )

    def read_bytes(self, name: str) -> bytes:
        """Return the bytes of a member."""
        return b"".join(self.iter_chunks(name))

    def extract(self, name: str, target: Path) -> None:
        """Write a member to `target` in chunks, without loading it into memory."""
        with target.open("wb") as file:
            for chunk in self.iter_chunks(name):
                file.write(chunk)

    def _read_manifest(self) -> Manifest:
        if MANIFEST_FILE not in self._entries:
            raise HarnessError(
                "archive.no-manifest",
                f"an exported study must hold {MANIFEST_FILE}; got "
                f"{summarize_names(list(self._entries)) or 'no file'}: name a file that `harness export` "
                "wrote",
            )
        with convert_zip_errors(), self._zip.open(self._entries[MANIFEST_FILE]) as file:
            data = parse_json(file.read(MAX_MEMBER_BYTES), MANIFEST_FILE)
        format_name = data.get("format") if isinstance(data, dict) else name_json_type(data)
        if not isinstance(data, dict) or format_name != FORMAT_NAME:
            raise HarnessError(
                "archive.unknown-format",
                f"{MANIFEST_FILE} must be of the format {FORMAT_NAME!r}; got "
                f"{sanitize(repr(format_name))}: {EXPORT_AGAIN}",
            )
        if data.get("version") != FORMAT_VERSION:
            raise HarnessError(
                "archive.unknown-version",
                f"the format's version must be {FORMAT_VERSION}; got {sanitize(repr(data.get('version')))}: "
                "import it with the harness that wrote it, or export it with this one",
            )
        return from_data(Manifest, data)

    def _check_names(self) -> None:
        listed_counts = Counter(member.name for member in self.manifest.members)
        duplicates = [name for name, count in listed_counts.items() if count > 1]
        if duplicates:
            raise HarnessError(
                "archive.member-listed-twice",
                f"{MANIFEST_FILE} must list every member once; it lists {summarize_names(duplicates)} more "
                f"than once: {EXPORT_AGAIN}",
            )
        names = set(self._entries) - {MANIFEST_FILE}
        missing, unlisted = {*self._members, STUDY_FILE, FAILURES_FILE} - names, names - set(self._members)
        rule = f"it must hold what {MANIFEST_FILE} lists and nothing else"
        if missing:
            raise HarnessError(
                "archive.member-missing",
                f"{rule}; {summarize_names(sorted(missing))} is missing: {EXPORT_AGAIN}",
            )
        if unlisted:
            raise HarnessError(
                "archive.member-not-listed",
                f"{rule}; {summarize_names(sorted(unlisted))} is not listed: {EXPORT_AGAIN}",
            )

    def _check_sizes(self) -> None:
        total_size = 0
        for name, member in self._members.items():
            entry = self._entries[name]
            if entry.file_size != member.size:
                raise HarnessError(
                    "archive.wrong-size",
                    f"{name} must have {member.size} bytes according to {MANIFEST_FILE}; got "
                    f"{entry.file_size}: {EXPORT_AGAIN}",
                )
            if name.rpartition("/")[2] in WEIGHT_FILES:
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise HarnessError(
                        "archive.member-compressed",
                        f"weights must not be compressed; {name} is: {EXPORT_AGAIN}",
                    )
                continue
            total_size += member.size
            if member.size > MAX_MEMBER_BYTES or total_size > MAX_TOTAL_BYTES:
                raise HarnessError(
                    "archive.too-large",
                    f"members other than weights must unpack to at most {MAX_MEMBER_BYTES >> 20} MiB each "
                    f"and {MAX_TOTAL_BYTES >> 30} GiB in all; {name} exceeds that with {member.size:,} "
                    f"bytes, {total_size:,} in all: {EXPORT_AGAIN}",
                )


def _read_entries(zip_file: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Yield the entries of the zip by name.

    Raises:
        HarnessError: An entry is not a plain file, or two entries have the same name.
    """
    names: set[str] = set()
    for entry in zip_file.infolist():
        name, file_type = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
        if name != entry.filename or not is_member_name(name):
            raise HarnessError(
                "archive.unknown-member-name",
                f"members must be named as an exported study's files are; got {sanitize(name)}: "
                f"{EXPORT_AGAIN}",
            )
        if file_type not in (0, stat.S_IFREG):
            raise HarnessError(
                "archive.not-a-plain-file",
                f"members must be plain files; {name} is a link or something else: {EXPORT_AGAIN}",
            )
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise HarnessError(
                "archive.unsupported-compression",
                f"members must be stored or deflated, without a password; {name} is not: {EXPORT_AGAIN}",
            )
        if name in names:
            raise HarnessError(
                "archive.member-twice",
                f"members must have unique names; {name} occurs twice: {EXPORT_AGAIN}",
            )
        names.add(name)
        yield name, entry


@contextmanager
def convert_zip_errors() -> Iterator[None]:
    """Convert the exceptions that reading a damaged zip file raises to HarnessError."""
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
        raise HarnessError(
            "archive.incomplete-zip", f"it must be a complete zip file ({error}); {EXPORT_AGAIN}"
        ) from error
