"""Folders for compiled code. No other user can write them, because the code is loaded and executed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs


def ensure_private_folder(name: str) -> Path:
    """Return the folder `code/<name>` of HARNESS_CACHE, and create it if it does not exist.

    If other users can write that folder, return the one in the user's cache instead.

    Raises:
        PermissionError: other users can write both folders.
        OSError: the folder cannot be created.
    """
    user_cache = Path(platformdirs.user_cache_dir("harness"))
    roots = [Path(os.environ.get("HARNESS_CACHE") or user_cache), user_cache]
    for root in dict.fromkeys(roots):
        folder = root / "code" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        for directory in (folder.parent, folder):
            directory.mkdir(mode=0o700, exist_ok=True)
        if _is_private(folder.parent) and _is_private(folder):
            return folder
    raise PermissionError(
        f"compiled code is loaded only from a folder that you own and nobody else can write; {folder} is "
        f"not: chmod -R go-w {folder.parent}, or set HARNESS_CACHE to another folder"
    )


def _is_private(folder: Path) -> bool:
    """Return True if `folder` is not a link, belongs to the current user, and is not writable by others."""
    if not hasattr(os, "getuid"):
        return True  # Windows: a user's profile is private by default
    status = folder.lstat()
    write_bits = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not write_bits
