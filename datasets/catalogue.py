"""Every data set by name: its frame policies, how to obtain it, how to read it. Adding one is one entry."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from datasets.casme2 import facts as casme2_facts
from datasets.ckplus import facts as ckplus_facts
from datasets.folder import facts as folder_facts
from datasets.marker import MARKER, is_marked
from datasets.oneline import one_line
from datasets.spec import MOTION, SampleTable


class Reader(Protocol):
    """How a set is read: every set's module has a `load` of this form."""

    def __call__(self, root: Path, frames: str, *, classes: Sequence[str], layout: str) -> SampleTable:
        """Read the release below a root under a frame policy; () and "" stand for the usual ones.

        Raises:
            ValueError: the data are not there or not usable.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """A data set the harness can read.

    `peaks` are those of its frame policies that choose frames at or near the apex; `layouts` the forms of
    its release, the preferred one first; `classes` all that it can give, () where its files tell. `variable`
    is the environment variable that names the root and `folder` where it is looked for without one, both ""
    for a set that has no place of its own. `licensed` sets may not be shown without a look at their licence.
    """

    name: str
    title: str
    about: str
    frames: tuple[str, ...]
    peaks: tuple[str, ...]
    layouts: tuple[str, ...]
    classes: tuple[str, ...]
    obtain: str
    read: Reader
    variable: str = ""
    folder: str = ""
    licensed: bool = False

    def place(self, root: Path | None) -> Path:
        """Where the set is looked for: the root, the variable's, or the usual folder.

        Raises:
            ValueError: no root is given for a set that has no place of its own.
        """
        found = root or os.environ.get(self.variable) or self.folder
        if not found:
            raise ValueError(f"the data set {self.name} needs --root. {self.obtain}")
        return Path(found)


def _reader(module: str) -> Reader:
    """The `load` of a module that is imported when it is first needed: pandas is slow to come."""

    def read(root: Path, frames: str, *, classes: Sequence[str], layout: str) -> SampleTable:
        return cast("Reader", import_module(module).load)(root, frames, classes=classes, layout=layout)

    return read


def drawn() -> Path:
    """The folder of the demonstration set, drawn into the cache if it is not there."""
    import hashlib
    import json

    from datasets.pixels.cache import cache_dir
    from datasets.synthetic.synthesize import DEMO, EDITION, synthesize

    identity = json.dumps([EDITION, asdict(DEMO)], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    place = cache_dir() / f"synthetic-{digest[:16]}"
    if not place.exists():
        try:
            synthesize(DEMO, place)
        except (OSError, ValueError):
            # Another process that drew the same set at the same time was done first.
            if not place.exists():
                raise
    return place


SYNTHETIC = "synthetic"

DATASETS: dict[str, DatasetEntry] = {
    found.name: found
    for found in (
        DatasetEntry(
            name="casme2",
            title="CASME II",
            about="Micro-expressions at 200 frames a second; Yan et al. 2014.",
            frames=casme2_facts.FRAMES,
            peaks=("apex", "apex_window"),
            layouts=casme2_facts.LAYOUTS,
            classes=casme2_facts.CLASSES,
            obtain=casme2_facts.OBTAIN,
            read=_reader("datasets.casme2.load"),
            variable="HARNESS_CASME2",
            folder="data/casme2",
            licensed=True,
        ),
        DatasetEntry(
            name="ckplus",
            title="CK+",
            about="Posed expressions from neutral to peak; Lucey et al. 2010.",
            frames=ckplus_facts.FRAMES,
            peaks=("peak", "last3"),
            layouts=ckplus_facts.LAYOUTS,
            classes=ckplus_facts.CSV_CLASSES,
            obtain=ckplus_facts.OBTAIN,
            read=_reader("datasets.ckplus.load"),
            variable="HARNESS_CKPLUS",
            folder="data/ckplus",
            licensed=True,
        ),
        DatasetEntry(
            name="folder",
            title="a folder of images",
            about="Your own images: a folder for each class, or a CSV of path, label, subject, clip.",
            frames=folder_facts.FRAMES,
            peaks=(),
            layouts=folder_facts.LAYOUTS,
            classes=(),
            obtain=folder_facts.OBTAIN,
            read=_reader("datasets.folder.load"),
            licensed=True,
        ),
        DatasetEntry(
            name=SYNTHETIC,
            title="the synthetic set",
            about="Drawn faces in CASME II's layout. It says nothing about people.",
            frames=casme2_facts.FRAMES,
            peaks=("apex", "apex_window"),
            layouts=("cropped",),
            classes=casme2_facts.CLASSES,
            obtain="Nothing to obtain: it is drawn on first use.",
            read=_reader("datasets.casme2.load"),
        ),
    )
}


def entry(name: str) -> DatasetEntry:
    """The entry of a data set; raises ValueError listing the accepted names."""
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}; accepted: {', '.join(DATASETS)}")
    return DATASETS[name]


def default_frames(name: str, protocols: Sequence[str], representation: str = "frame") -> str:
    """The frame policy of a study that names none: the paper's under its split alone, or the first.

    A representation of motion takes the first policy that chooses apex frames.
    """
    found = entry(name)
    if representation in MOTION and found.peaks:
        return found.peaks[0]
    return "paper" if tuple(protocols) == ("frame",) and "paper" in found.frames else found.frames[0]


def load(
    name: str, frames: str, *, root: Path | None = None, classes: Sequence[str] = (), layout: str = ""
) -> SampleTable:
    """Read a data set under a frame policy from `root`, or from its default place.

    Raises:
        ValueError: the set, the policy or the layout is unknown, a root is given to a set that takes none,
            or the data are not there or not usable.
    """
    found = entry(name)
    if frames not in found.frames:
        raise ValueError(f"unknown frames {frames!r} of {name}; accepted: {', '.join(found.frames)}")
    if layout and layout not in found.layouts:
        raise ValueError(f"unknown layout {layout!r} of {name}; accepted: {', '.join(found.layouts)}")
    if name == SYNTHETIC and root is not None:
        raise ValueError(
            f"the data set {name} takes no root, got {root}: it is drawn into the cache. Say what that "
            "folder holds with --dataset: casme2 or ckplus (also where `harness data synthesize` wrote it), "
            "or folder."
        )
    place = drawn() if name == SYNTHETIC else found.place(root)
    try:
        table = replace(found.read(place, frames, classes=classes, layout=layout), dataset=name)
    except ValueError as error:
        # The message may name files and cells, which are called whatever somebody has called them.
        raise ValueError(one_line(str(error))) from error
    if name != SYNTHETIC and not is_marked(sample.path for sample in table.samples):
        return table
    note = f"drawn by harness, not the real release ({MARKER} lies with it): it says nothing about people"
    return replace(table, drawn=True, notes=(note, *table.notes))
