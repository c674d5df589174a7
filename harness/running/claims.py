"""Who is at which cell, so that processes that share a study never run one twice.

A claim is a lock of the operating system on a file in the cache, which ends with its process, however that
ends, and asks no clock: nothing has to be judged dead by the time since it was last heard of. It reaches as
far as the cache does: one machine, or all that share HARNESS_CACHE on a file system with locks.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.tracking.address import create_local_folder
from harness.training.checkpoint import Checkpoint


class CellLocks:
    """Claims on the cells of one ledger, and where their unfinished training lies.

    With `on_behalf_of` the place of one who claims cells and has them run here, `place` is that one's; claims
    here then keep apart whoever has run a cell for one that has died and whoever runs it for the next.

    Raises:
        ValueError: the cache cannot be written.
    """

    def __init__(self, uri: str, *, driver_scope: str = "") -> None:
        self.folder = create_local_folder(uri)
        self.scope = driver_scope or _load_scope(self.folder)
        self._suffix = "hand" if driver_scope else "lock"
        self.process = f"{platform.node()}, process {os.getpid()}"

    @contextmanager
    def lock(self, key: str, *, wait: bool = False) -> Iterator[bool]:
        """Whether the claim is ours within; False where another process has it, for which `wait` waits."""
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
        """Whether a process, this one too, is at that cell."""
        if not (self.folder / f"{key}.{self._suffix}").exists():
            return False
        with self.lock(key) as has_lock:
            return not has_lock

    def open_checkpoint(self, key: str) -> Checkpoint:
        """The last checkpoint of that cell's training."""
        return Checkpoint(self.folder / f"cell-{key}")


def _load_scope(folder: Path) -> str:
    """The name of the place that a folder is, the same for all who can lock in it."""
    path = folder / "place"
    with FileLock(folder / "place.lock"):
        if not path.exists():
            temporary_path = folder / "place.part"
            temporary_path.write_text(uuid.uuid4().hex)
            temporary_path.replace(path)
        return path.read_text()
