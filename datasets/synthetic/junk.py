"""What operating systems, editors and archives leave in a release: files that no loader may take for data."""

from __future__ import annotations

from pathlib import Path

_DS_STORE = b"\x00\x00\x00\x01Bud1" + bytes(24)
_THUMBS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(24)
_SHORTCUT = b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(68)


def ds_store(folder: Path) -> None:
    """The Finder's view of a folder."""
    _put(folder / ".DS_Store", _DS_STORE)


def apple_double(path: Path) -> None:
    """The dotfile that carries a file's resource fork on foreign disks; it bears the file's suffix."""
    _put(path.with_name(f"._{path.name}"), b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(24))


def thumbs(folder: Path) -> None:
    """Windows' cache of thumbnails."""
    _put(folder / "Thumbs.db", _THUMBS)


def shortcut(folder: Path) -> None:
    """A link of Windows, as in CASME II's first subject."""
    _put(folder / "Desktop - Shortcut.lnk", _SHORTCUT)


def lock_file(workbook: Path) -> None:
    """What Excel leaves beside an open workbook: its owner's name, and no workbook."""
    owner = b"\x04User" + b" " * 50
    _put(workbook.with_name(f"~${workbook.name}"), owner.ljust(165, b"\x00"))


def note(path: Path, text: str) -> None:
    """A text that lies where nobody looks for one."""
    _put(path, text.encode())


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
