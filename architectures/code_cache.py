"""Where compiled code is kept: in folders that no other user can write, since it is loaded and executed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

USER_CACHE = Path.home() / ".cache" / "harness"


def ensure_private_folder(name: str) -> Path:
    """The folder `code/<name>` of HARNESS_CACHE, or of the user's cache if others can write the first.

    Raises:
        PermissionError: others can write both.
        OSError: the folder cannot be made.
    """
    roots = [Path(os.environ.get("HARNESS_CACHE") or USER_CACHE), USER_CACHE]
    for root in dict.fromkeys(roots):
        folder = root / "code" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        for directory in (folder.parent, folder):
            directory.mkdir(mode=0o700, exist_ok=True)
        if _is_private(folder.parent) and _is_private(folder):
            return folder
    raise PermissionError(
        f"compiled code is loaded only from a folder that you own and nobody else can write; {folder} is "
        f"not: chmod -R go-w {folder.parent}, or name another folder in HARNESS_CACHE"
    )


def _is_private(folder: Path) -> bool:
    """Whether the current user owns the folder itself, no link to it, and nobody else can write it."""
    if not hasattr(os, "getuid"):
        return True  # Windows: a user's profile is private by default
    status = folder.lstat()
    write_bits = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not write_bits
