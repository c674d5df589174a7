"""Synthetic faces in the layouts of CASME II, SMIC, SAMM, MEGC 2019 and CK+, for use without a license.

The loaders of the real sets read them unchanged: `Cropped/sub01/EP02_01f/reg_img46.jpg` with the coding
sheet, `cohn-kanade-images/S005/001` with its labels, or any other layout in `LAYOUTS`. Results on synthetic
faces say nothing about people; `datasets.synthetic_marker` writes a file with this warning into every set.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from datasets.errors import DatasetError
from datasets.synthetic.layouts import LAYOUTS, SHEETS
from datasets.synthetic.spec import SyntheticSpec
from datasets.synthetic_marker import write_marker

__all__ = ["DEMO", "GENERATOR_VERSION", "LAYOUTS", "LEAKY", "SHEETS", "SyntheticSpec", "synthesize"]


class Writer(Protocol):
    """Signature of the function that writes a synthetic set into an empty folder."""

    def __call__(self, spec: SyntheticSpec, root: Path, *, progress: Callable[[int, int], None]) -> None:
        """Write the set, and call `progress` with (jobs written, jobs in total)."""


GENERATOR_VERSION = 2
"""Increased whenever the output changes, so that a cached set of an older version is not reused."""

# Two clips per class and subject. With one, the class of a held-out clip would be the only class that its
# subject never shows in training, and a network that recognizes the person would score below chance.
DEMO = SyntheticSpec(subjects=8, clips=96, frames=7, balance=True, amplitude=4.0)

# Each person shows one emotion, so a network that recognizes the person knows the class. 48 is the smallest
# number of people with six test subjects under `subject` and equally many people in each class.
LEAKY = SyntheticSpec(subjects=48, frames=10, balance=True, emotions=1, amplitude=4.0)


def synthesize(spec: SyntheticSpec, out: Path, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """Write the set to `out`, on all cores, and return `out`. The same spec gives the same bytes.

    The set is written to a hidden folder next to `out`, which is renamed when complete, so `out` never holds
    an incomplete set. `progress` is called with (jobs written, jobs in total) after each render job; a set
    with `raw` has two jobs per clip, and a composite counts each of its sets in turn.

    Raises:
        DatasetError: `out` is a file, or a folder that is not empty.
        OSError: the disk is full, or `out` cannot be written.
    """
    from tempfile import TemporaryDirectory

    out = _prepare_output(out.absolute())
    write = _load_writer(spec.layout_info.dataset)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temp_dir:
        root = Path(temp_dir) / out.name
        root.mkdir()
        write(spec, root, progress=progress or _ignore_progress)
        write_marker(root)
        if out.exists():
            out.rmdir()
        root.rename(out)
    return out


def _load_writer(dataset: str) -> Writer:
    """Return the function that writes a synthetic set of this data set."""
    module = import_module(f"datasets.synthetic.{dataset}")
    return cast("Writer", getattr(module, f"write_{dataset}"))


def _prepare_output(out: Path) -> Path:
    """Create the parents of `out` and return it; raise DatasetError if no set can be written there."""
    if any(parent.is_file() for parent in out.parents):
        raise DatasetError(
            "synthetic-output.below-file",
            f"a synthetic set is written into a folder; a part of the path {out} is a file: name another "
            "folder",
        )
    if out == Path.cwd():
        raise DatasetError(
            "synthetic-output.working-folder",
            f"a synthetic set cannot replace the working folder; got {out}: name a folder in it",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(
            "synthetic-output.occupied",
            f"a synthetic set is written into a new or empty folder; {out} is neither: "
            "name another folder, or remove it",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def _ignore_progress(count: int, total: int) -> None:
    """Ignore progress; the default callback."""
