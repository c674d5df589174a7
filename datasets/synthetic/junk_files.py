"""Junk files that operating systems and editors leave in a release, and that loaders must ignore."""

from __future__ import annotations

from pathlib import Path

_DS_STORE = b"\x00\x00\x00\x01Bud1" + bytes(24)
_THUMBS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(24)
_SHORTCUT = b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(68)


def write_ds_store(folder: Path) -> None:
    """Write the `.DS_Store` file that the macOS Finder leaves in a folder."""
    _write_file(folder / ".DS_Store", _DS_STORE)


def write_apple_double(path: Path) -> None:
    """Write the `._` file in which macOS stores a file's resource fork; it has the suffix of that file."""
    _write_file(path.with_name(f"._{path.name}"), b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(24))


def write_thumbs_db(folder: Path) -> None:
    """Write the thumbnail cache `Thumbs.db` of Windows."""
    _write_file(folder / "Thumbs.db", _THUMBS)


def write_shortcut(folder: Path) -> None:
    """Write a Windows shortcut, as in the folder of CASME II's first subject."""
    _write_file(folder / "Desktop - Shortcut.lnk", _SHORTCUT)


def write_lock_file(workbook: Path) -> None:
    """Write the lock file of an open Excel workbook, which contains only the name of its owner."""
    owner = b"\x04User" + b" " * 50
    _write_file(workbook.with_name(f"~${workbook.name}"), owner.ljust(165, b"\x00"))


def write_note(path: Path, text: str) -> None:
    """Write a stray text file."""
    _write_file(path, text.encode())


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
