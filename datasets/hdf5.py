"""A data set of an HDF5 file, taken only where it lies in that file itself, fits the memory and can be read.

HDF5's own code ends the process over some damaged files, so a file is first read by a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py

MAX_CHUNK_BYTES = 1 << 28
"""Bytes of a piece that is unpacked at once, at most: 100,000 faces of 48 pixels."""

TIMEOUT_SECONDS = 120
"""How long the first reading may take: far more than 100,000 faces need."""

BATCH_ROWS = 256
"""Rows that it reads at once."""


def check_dataset(file: Any, name: str) -> str:
    """Why the data set `name` of an open file is not to be read, or "" if it is.

    Links and external storage would read other files than the one that was named. What h5py raises over a
    damaged file goes through.
    """
    link = file.get(name, getlink=True)
    if link is None:
        return f"the file has no data set {name}"
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        return f"{name} is no data set of the file's own"
    dataset = file[name]
    if dataset.external or dataset.is_virtual:
        return f"{name} is no data set of the file's own"
    chunk_bytes = dataset.dtype.itemsize
    for dimension in dataset.chunks or ():
        chunk_bytes *= dimension
    return (
        f"{name} is packed in pieces of {chunk_bytes} bytes, more than {MAX_CHUNK_BYTES}"
        if chunk_bytes > MAX_CHUNK_BYTES
        else ""
    )


def probe_in_subprocess(path: Path, dataset_names: tuple[str, ...], *, rows: int) -> str:
    """Why a file cannot be read here without harm, or ""; what is wrong with it otherwise is not told.

    The first `rows` rows of the data sets `names` are read in another process.
    """
    # Its own folder is no place to import from, and neither is the one that the user stands in.
    command = [sys.executable, "-P", __file__, str(path), str(rows), *dataset_names]
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it takes more than {TIMEOUT_SECONDS} seconds to read"
    # A process that was ended by a signal tells its number below 0; Windows has numbers of its own for it.
    return "" if process.returncode in (0, 1) else "it is so damaged that reading it ends the process"


def read_all_rows(path: str, rows: int, dataset_names: tuple[str, ...]) -> None:
    """Read the rows of these data sets and keep nothing."""
    with h5py.File(path, "r", locking=False) as file:
        for name in dataset_names:
            if not check_dataset(file, name) and file[name].shape:
                for start in range(0, min(rows, len(file[name])), BATCH_ROWS):
                    file[name][start : start + BATCH_ROWS]


if __name__ == "__main__":
    read_all_rows(sys.argv[1], int(sys.argv[2]), tuple(sys.argv[3:]))
