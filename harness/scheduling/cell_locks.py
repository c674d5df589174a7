"""Locks on cells, so that processes that share a study never run the same cell twice.

A lock is an operating-system lock on a file in the cache. It ends with its process, however the process ends,
so no timeout is needed to detect dead processes. Locks work on one machine, or across all machines that share
HARNESS_CACHE on a file system with locks.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from harness.tracking.uri import create_local_folder

if TYPE_CHECKING:  # `harness status` reads the locks and needs no torch
    from harness.training.checkpoint import Checkpoint


class CellLocks:
    """Locks on the cells of one tracking store, and the folder of their checkpoints.

    Args:
        uri: the tracking URI of the store.
        driver_scope: the scope of the Ray driver that holds the cells' main locks and runs them through this
            process. `scope` is then the driver's, and the locks here have a suffix of their own: they keep a
            task of a dead driver and a task of the next driver from running the same cell.

    Attributes:
        folder: the folder with the lock files and checkpoints.
        scope: an identifier shared by all processes whose locks exclude each other.
        process: the name of this machine and the id of this process.

    Raises:
        ValueError: the cache cannot be written.
    """

    def __init__(self, uri: str, *, driver_scope: str = "") -> None:
        self.folder = create_local_folder(uri)
        self.scope = driver_scope or _load_scope(self.folder)
        self._suffix = "task" if driver_scope else "lock"
        self.process = f"{platform.node()}, process {os.getpid()}"

    @contextmanager
    def lock(self, key: str, *, wait: bool = False) -> Iterator[bool]:
        """Lock a cell within the `with` block.

        Yields True if this process has the lock and False if another process has it. With `wait`, the lock
        is waited for instead.
        """
        file_lock = FileLock(self.folder / f"{key}.{self._suffix}", timeout=-1 if wait else 0)
        try:
            file_lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            file_lock.release()

    def is_locked(self, key: str) -> bool:
        """Return True if any process, including this one, has locked the cell."""
        if not (self.folder / f"{key}.{self._suffix}").exists():
            return False
        with self.lock(key) as has_lock:
            return not has_lock

    def open_checkpoint(self, key: str) -> Checkpoint:
        """Return the `Checkpoint` of the cell with this key."""
        from harness.training.checkpoint import Checkpoint

        return Checkpoint(self.folder / f"cell-{key}")


def _load_scope(folder: Path) -> str:
    """Return the scope identifier stored in `folder`, the same for all processes that lock in it."""
    path = folder / "place"
    with FileLock(folder / "place.lock"):
        if not path.exists():
            temporary_path = folder / "place.part"
            temporary_path.write_text(uuid.uuid4().hex)
            temporary_path.replace(path)
        return path.read_text()
