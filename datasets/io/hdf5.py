"""Check that a data set of an HDF5 file is stored in the file itself, fits into memory and can be read.

The HDF5 library can crash the process on a damaged file, so a file is first read in a subprocess.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py

MAX_CHUNK_BYTES = 1 << 28
"""Maximum bytes of a chunk, which is decompressed at once: 100,000 faces of 48 pixels."""

TIMEOUT_SECONDS = 120
"""Time limit of the subprocess: far more than 100,000 faces need."""

BATCH_ROWS = 256
"""Rows that the subprocess reads at once."""


def check_dataset(file: Any, name: str) -> str:
    """Return the reason why the data set `name` of an open file must not be read, or "".

    Links and external storage are rejected because they would read other files. Exceptions of h5py on a
    damaged file are not caught.
    """
    link = file.get(name, getlink=True)
    if link is None:
        return f"the file has no data set {name}"
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        return f"{name} is not a data set stored in the file itself"
    dataset = file[name]
    if dataset.external or dataset.is_virtual:
        return f"{name} is not a data set stored in the file itself"
    chunk_bytes = dataset.dtype.itemsize
    for dimension in dataset.chunks or ():
        chunk_bytes *= dimension
    return (
        f"{name} has chunks of {chunk_bytes} bytes; the limit is {MAX_CHUNK_BYTES}"
        if chunk_bytes > MAX_CHUNK_BYTES
        else ""
    )


def probe_in_subprocess(path: Path, dataset_names: tuple[str, ...], *, rows: int) -> str:
    """Read the first `rows` rows of each data set in a subprocess; return why if it crashes or hangs.

    Other errors return "", because they also occur, without harm, when this process reads the file.
    """
    # -P keeps the folder of this script and the working directory off the import path.
    command = [sys.executable, "-P", __file__, str(path), str(rows), *dataset_names]
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it takes more than {TIMEOUT_SECONDS} seconds to read"
    # A negative return code is a signal; Windows has other codes for a crash.
    return "" if process.returncode in (0, 1) else "it is so damaged that reading it crashes the process"


def read_all_rows(path: str, rows: int, dataset_names: tuple[str, ...]) -> None:
    """Read the first `rows` rows of these data sets and discard them."""
    with h5py.File(path, "r", locking=False) as file:
        for name in dataset_names:
            if not check_dataset(file, name) and file[name].shape:
                for start in range(0, min(rows, len(file[name])), BATCH_ROWS):
                    file[name][start : start + BATCH_ROWS]


if __name__ == "__main__":
    read_all_rows(sys.argv[1], int(sys.argv[2]), tuple(sys.argv[3:]))
