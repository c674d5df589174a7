"""Where results go, seen to be writable before anything is made."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.errors import is_full_disk


def check_writable(out: Path) -> None:
    """Make the folder `out`, and see that a file can be written in it; ValueError if not."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        if is_full_disk(error):
            raise
        raise ValueError(
            f"--out {out} is no folder that can be written ({error.strerror}); name another"
        ) from error
