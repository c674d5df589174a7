"""The cache on disk: where it is, what its files are named by, and how one is written whole."""

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

from datasets.pixels.journal import FULL
from datasets.spec import Picture, Sample


def cache_dir() -> Path:
    """Where made things are kept: HARNESS_CACHE, made if it is not there, else the user's cache folder.

    Raises:
        ValueError: HARNESS_CACHE names what cannot be a folder.
    """
    named = os.environ.get("HARNESS_CACHE")
    if not named:
        return Path(platformdirs.user_cache_dir("harness"))
    with _usable(Path(named)):
        Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named)


def silent(done: int, total: int) -> None:
    """A progress nobody watches."""


def cores() -> int:
    """Processor cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def content_key(facts: object, samples: Iterable[Sample], *, onsets: bool) -> str:
    """A digest of `facts` (anything that JSON holds) and of every file of the samples as it is now.

    A file is known by path, size and time of last change, and is asked for them once, however many pictures
    it holds. With `onsets` also the onset's, which may be missing.

    Raises:
        OSError: a sample's file is not there.
    """
    digest = hashlib.sha256(json.dumps(facts).encode())
    state = cache(_state)

    def onset(picture: Picture | None) -> list[object]:
        if picture is None:
            return []
        try:
            return [picture.path, picture.item, *state(picture.path)]
        except (FileNotFoundError, NotADirectoryError):
            return [picture.path, picture.item]

    for sample in samples:
        line: list[object] = [sample.id, sample.path, sample.item, *state(sample.path)]
        digest.update(json.dumps(line + (onset(sample.onset) if onsets else [])).encode())
    return digest.hexdigest()[:32]


def _state(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def made_once(
    place: Path, *, ready: Callable[[], bool], make: Callable[[], None], waited: Callable[[], None]
) -> None:
    """Call `make` unless `ready`, one process at a time; `waited` where another has made it meanwhile.

    The lock is a hidden file beside `place`, which may stay behind and means nothing by itself.

    Raises:
        ValueError: the folder of `place` cannot be made or written.
    """
    if ready():
        return
    lock = FileLock(place.with_name(f".{place.name}.lock"))
    with _usable(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        if ready():
            waited()
        else:
            make()
    finally:
        lock.release()


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """What fails in this block says that the cache folder is none; a full disk is another matter."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise
        raise ValueError(
            f"the cache must be a folder that can be written: {folder} is none ({error.strerror}); name "
            "another by HARNESS_CACHE"
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that has its name only when it is whole and on the disk.

    Raises:
        OSError: it cannot be written; what was begun is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, begun = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(begun, path)
    except BaseException as error:
        Path(begun).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
