"""Create and name output folders, and check that they are writable."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError, is_full_disk


def check_writable(
    out: Path, *, label: str = "--out", contents: str = "results", option: str = "--out DIR"
) -> None:
    """Check that a file can be written in the folder `out`.

    Folders that the check creates are removed again, so that a later error leaves nothing behind. The error
    message calls the folder `label`, names the `contents` to be written, and the `option` that moves them.

    Raises:
        HarnessError: `out` is not a writable folder.
    """
    missing_folders = _find_missing_folders(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        if is_full_disk(error):
            raise
        raise HarnessError(
            "output-folder.not-writable",
            f"{label} must be a writable folder; {out} is not ({error.strerror}), so the {contents} cannot "
            f"be written there: name another with {option}",
        ) from error
    finally:
        _remove_empty_folders(missing_folders)


def check_file_writable(file: Path, *, label: str, option: str) -> None:
    """Check that an existing database file can be written, and its folder, where SQLite keeps a journal.

    Raises:
        HarnessError: It cannot; the message calls the file `label` and names the `option` for another file.
    """
    for path in (file, file.parent):
        if file.exists() and not os.access(path, os.W_OK):
            raise HarnessError(
                "output-file.not-writable",
                f"{label} must be writable; {path} is not: name another file with {option}",
            )


def create_unique_folder(out: Path, name: str) -> tuple[Path, ...]:
    """Create a new folder in `out`, called `name`, or "name-2", "name-3", ... if that exists.

    Returns:
        The folder, followed by the parent folders that were created, innermost first.

    Raises:
        ValueError: `out` is not a writable folder.
    """
    missing_folders = _find_missing_folders(out)
    check_writable(out)
    folder, number = out / name, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return (folder, *missing_folders)
        except FileExistsError:
            number += 1
            folder = out / f"{name}-{number}"


def discard_folders(folders: Sequence[Path]) -> None:
    """Remove the first folder with its contents, and the other folders if they are empty."""
    folder, *parents = folders
    shutil.rmtree(folder)
    _remove_empty_folders(parents)


def _find_missing_folders(out: Path) -> list[Path]:
    """Return `out` and its parents that do not exist, innermost first."""
    return [folder for folder in (out, *out.parents) if not folder.exists()]


def _remove_empty_folders(folders: Sequence[Path]) -> None:
    """Remove folders in order and stop at the first that is missing or not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def name_report_folder(studies: Sequence[str], *, prefix: str) -> str:
    """Return a report's folder name: the name of the only study, or `prefix` and a digest of all names."""
    if len(studies) == 1:
        return re.sub(r"[^\w.+-]", "-", studies[0])
    return f"{prefix}-{hashlib.sha256(' '.join(studies).encode()).hexdigest()[:6]}"
