"""Cache files: folder, content keys, locks and atomic writes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import platformdirs
from filelock import FileLock

from datasets.errors import DatasetError
from datasets.io.journal import DISK_FULL_ERRNOS
from datasets.spec import ImageRef, Sample


def get_cache_dir() -> Path:
    """Return the cache folder: HARNESS_CACHE, created if missing, or the user's cache folder.

    Raises:
        DatasetError: the folder named by HARNESS_CACHE cannot be created.
    """
    env_dir = os.environ.get("HARNESS_CACHE")
    if not env_dir:
        return Path(platformdirs.user_cache_dir("harness"))
    with _translate_folder_errors(Path(env_dir)):
        Path(env_dir).mkdir(parents=True, exist_ok=True)
    return Path(env_dir)


def check_cache_writable() -> None:
    """Check that a file can be written in the cache folder; create the folder if it is missing.

    Raises:
        ValueError: the folder cannot be created or written.
    """
    folder = get_cache_dir()
    with _translate_folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def ignore_progress(count: int, total: int) -> None:
    """Ignore progress; the default callback."""


def count_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    get_affinity = getattr(os, "sched_getaffinity", None)
    return len(get_affinity(0)) if get_affinity else os.cpu_count() or 1


def compute_content_key(payload: object, samples: Iterable[Sample], *, include_onsets: bool) -> str:
    """Return a digest of `payload`, any JSON value, and of the current state of every file of the samples.

    The state of a file is its path, size and modification time, read once per file. `include_onsets` adds the
    onset files, which may be missing.

    Raises:
        OSError: a sample's file is missing.
    """
    digest = hashlib.sha256(json.dumps(payload).encode())
    cached_stat = cache(_stat_file)

    def onset_fields(image_ref: ImageRef | None) -> list[object]:
        if image_ref is None:
            return []
        try:
            return [image_ref.path, image_ref.frame_index, *cached_stat(image_ref.path)]
        except (FileNotFoundError, NotADirectoryError):
            return [image_ref.path, image_ref.frame_index]

    for sample in samples:
        fields: list[object] = [sample.id, sample.path, sample.frame_index, *cached_stat(sample.path)]
        digest.update(
            json.dumps(fields + (onset_fields(sample.onset_ref) if include_onsets else [])).encode()
        )
    return digest.hexdigest()[:32]


def _stat_file(path: str) -> tuple[int, int]:
    file_stat = os.stat(path)
    return file_stat.st_size, file_stat.st_mtime_ns


def build_once(
    path: Path, *, is_ready: Callable[[], bool], build: Callable[[], None], on_skip: Callable[[], None]
) -> None:
    """Call `build` unless `is_ready()`, in one process at a time.

    Calls `on_skip` instead if another process has built the file while this one waited for the lock. The lock
    is a hidden file next to `path`; a leftover lock file has no effect.

    Raises:
        DatasetError: the folder of `path` cannot be created or written.
    """
    if is_ready():
        return
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    with _translate_folder_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        if is_ready():
            on_skip()
        else:
            build()
    finally:
        lock.release()


@contextmanager
def _translate_folder_errors(folder: Path) -> Iterator[None]:
    """Raise a DatasetError about the cache folder for every OSError in the block, except for a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL_ERRNOS:
            raise
        raise DatasetError(
            "cache.not-writable",
            f"the cache must be a writable folder: {folder} is not ({error.strerror}), so decoded images and "
            "face boxes cannot be kept there; set HARNESS_CACHE to another folder",
        ) from error


def atomic_write(path: Path, data: bytes) -> None:
    """Write a temporary file, sync it to disk, and rename it to `path`.

    Raises:
        OSError: the file cannot be written; the temporary file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temp_path = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp_path, path)
    except BaseException as error:
        Path(temp_path).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
