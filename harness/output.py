"""Where results go: folders seen to be writable before anything is made, and what they are called."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import is_full_disk


def check_writable(out: Path, *, label: str = "--out") -> None:
    """See that a file can be written in the folder `out`, `called` so; ValueError if not.

    What had to be made for that is taken away again: a mistake found later leaves nothing behind.
    """
    missing_folders = _find_missing_folders(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        if is_full_disk(error):
            raise
        raise ValueError(
            f"{label} {out} is no folder that can be written ({error.strerror}); name another"
        ) from error
    finally:
        _remove_empty_folders(missing_folders)


def create_unique_folder(out: Path, name: str) -> tuple[Path, ...]:
    """Make a folder in `out` that was not there: `name`, or "name-2" and so on where that is taken.

    Returns the folder, and then those above it that were made for it, from the inside out.

    Raises:
        ValueError: `out` is no folder that can be written.
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
    """Take away a fresh folder with all that it holds, and those made for it that hold nothing else."""
    folder, *parents = folders
    shutil.rmtree(folder)
    _remove_empty_folders(parents)


def _find_missing_folders(out: Path) -> list[Path]:
    """`out` and the folders above it that are not there, from the inside out."""
    return [folder for folder in (out, *out.parents) if not folder.exists()]


def _remove_empty_folders(folders: Sequence[Path]) -> None:
    """Remove those that are there and hold nothing, from the inside out."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def name_report_folder(studies: Sequence[str], *, prefix: str) -> str:
    """The folder of a report on these studies, by their names: one's own, or `called` and a digest of all."""
    if len(studies) == 1:
        return re.sub(r"[^\w.+-]", "-", studies[0])
    return f"{prefix}-{hashlib.sha256(' '.join(studies).encode()).hexdigest()[:6]}"
