"""Synthetic CASME II and CK+: drawn faces laid out as the releases are, to try things out without a licence.

`Cropped/sub01/EP02_01f/reg_img46.jpg` and the coding sheet, `cohn-kanade-images/S005/001` and its labels, or
any other of `LAYOUTS`: the loaders of the real sets read them unchanged. No number obtained on them says
anything about people, and `datasets.marker` leaves a file in them that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from datasets.marker import write_marker
from datasets.synthetic.layouts import LAYOUTS, SHEETS
from datasets.synthetic.spec import SyntheticSpec

__all__ = ["DEMO", "GENERATOR_VERSION", "LAYOUTS", "SHEETS", "SyntheticSpec", "synthesize"]

GENERATOR_VERSION = 2
"""Raised when what is written changes, so that no older set in a cache stands for the new one."""

# Two clips a class and subject: with one, a held-out clip would be of the one class its subject never showed
# in training, and a network that has learned the person would do worse than chance.
DEMO = SyntheticSpec(subjects=8, clips=96, frames=7, balance=True, amplitude=4.0)


def synthesize(spec: SyntheticSpec, out: Path, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """Draw the set into `out`, on all cores, and return `out`; the same spec gives the same bytes.

    The tree grows in a hidden folder beside `out` and is renamed when whole, so what stands at `out` is
    never half a set. `progress` is called with (takes written, takes in all) after each; a raw set has two
    takes a clip.

    Raises:
        ValueError: `out` is a file or a folder that holds something.
        OSError: the disk is full or `out` cannot be written.
    """
    from tempfile import TemporaryDirectory

    from datasets.synthetic.casme2 import write_casme2
    from datasets.synthetic.ckplus import write_ckplus

    out = _prepare_output(out.absolute())
    write = write_casme2 if spec.layout_info.dataset == "casme2" else write_ckplus
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temp_dir:
        root = Path(temp_dir) / out.name
        root.mkdir()
        write(spec, root, progress=progress or _ignore_progress)
        write_marker(root)
        if out.exists():
            out.rmdir()
        root.rename(out)
    return out


def _prepare_output(out: Path) -> Path:
    """`out` with its parents made, if a set can be written there."""
    if any(parent.is_file() for parent in out.parents):
        raise ValueError(f"{out} cannot be made: a part of its path is a file; name another")
    if out == Path.cwd():
        raise ValueError("a synthetic set cannot replace the working folder; name a folder in it")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"a synthetic set is written into a new or empty folder; {out} is taken: "
            "name another or remove it"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def _ignore_progress(count: int, total: int) -> None:
    """A progress nobody watches."""
