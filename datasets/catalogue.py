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
from datasets.marker import MARKER, has_marker
from datasets.oneline import one_line
from datasets.spec import MOTION_REPRESENTATIONS, SampleTable


class Loader(Protocol):
    """How a set is read: every set's module has a `load` of this form."""

    def __call__(self, root: Path, frame_policy: str, *, classes: Sequence[str], layout: str) -> SampleTable:
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
    description: str
    frame_policies: tuple[str, ...]
    apex_policies: tuple[str, ...]
    layouts: tuple[str, ...]
    classes: tuple[str, ...]
    access_instructions: str
    load: Loader
    env_var: str = ""
    default_folder: str = ""
    requires_license: bool = False

    def resolve_root(self, root: Path | None) -> Path:
        """Where the set is looked for: the root, the variable's, or the usual folder.

        Raises:
            ValueError: no root is given for a set that has no place of its own.
        """
        folder = root or os.environ.get(self.env_var) or self.default_folder
        if not folder:
            raise ValueError(f"the data set {self.name} needs --root. {self.access_instructions}")
        return Path(folder)


def _make_lazy_loader(module: str) -> Loader:
    """The `load` of a module that is imported when it is first needed: pandas is slow to come."""

    def load(root: Path, frame_policy: str, *, classes: Sequence[str], layout: str) -> SampleTable:
        return cast("Loader", import_module(module).load)(root, frame_policy, classes=classes, layout=layout)

    return load


def ensure_synthetic_set() -> Path:
    """The folder of the demonstration set, drawn into the cache if it is not there."""
    import hashlib
    import json

    from datasets.pixels.cache import get_cache_dir
    from datasets.synthetic.synthesize import DEMO, GENERATOR_VERSION, synthesize

    identity = json.dumps([GENERATOR_VERSION, asdict(DEMO)], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    folder = get_cache_dir() / f"synthetic-{digest[:16]}"
    if not folder.exists():
        try:
            synthesize(DEMO, folder)
        except (OSError, ValueError):
            # Another process that drew the same set at the same time was done first.
            if not folder.exists():
                raise
    return folder


SYNTHETIC = "synthetic"

DATASETS: dict[str, DatasetEntry] = {
    entry.name: entry
    for entry in (
        DatasetEntry(
            name="casme2",
            title="CASME II",
            description="Micro-expressions at 200 frames a second; Yan et al. 2014.",
            frame_policies=casme2_facts.FRAME_POLICIES,
            apex_policies=("apex", "apex_window"),
            layouts=casme2_facts.LAYOUTS,
            classes=casme2_facts.CLASSES,
            access_instructions=casme2_facts.ACCESS_INSTRUCTIONS,
            load=_make_lazy_loader("datasets.casme2.load"),
            env_var="HARNESS_CASME2",
            default_folder="data/casme2",
            requires_license=True,
        ),
        DatasetEntry(
            name="ckplus",
            title="CK+",
            description="Posed expressions from neutral to peak; Lucey et al. 2010.",
            frame_policies=ckplus_facts.FRAME_POLICIES,
            apex_policies=("peak", "last3"),
            layouts=ckplus_facts.LAYOUTS,
            classes=ckplus_facts.CSV_CLASSES,
            access_instructions=ckplus_facts.ACCESS_INSTRUCTIONS,
            load=_make_lazy_loader("datasets.ckplus.load"),
            env_var="HARNESS_CKPLUS",
            default_folder="data/ckplus",
            requires_license=True,
        ),
        DatasetEntry(
            name="folder",
            title="a folder of images",
            description="Your own images: a folder for each class, or a CSV of path, label, subject, clip.",
            frame_policies=folder_facts.FRAME_POLICIES,
            apex_policies=(),
            layouts=folder_facts.LAYOUTS,
            classes=(),
            access_instructions=folder_facts.ACCESS_INSTRUCTIONS,
            load=_make_lazy_loader("datasets.folder.load"),
            requires_license=True,
        ),
        DatasetEntry(
            name=SYNTHETIC,
            title="the synthetic set",
            description="Drawn faces in CASME II's layout. It says nothing about people.",
            frame_policies=casme2_facts.FRAME_POLICIES,
            apex_policies=("apex", "apex_window"),
            layouts=("cropped",),
            classes=casme2_facts.CLASSES,
            access_instructions="Nothing to obtain: it is drawn on first use.",
            load=_make_lazy_loader("datasets.casme2.load"),
        ),
    )
}


def get_entry(name: str) -> DatasetEntry:
    """The entry of a data set; raises ValueError listing the accepted names."""
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}; accepted: {', '.join(DATASETS)}")
    return DATASETS[name]


def get_default_frame_policy(name: str, protocols: Sequence[str], representation: str = "frame") -> str:
    """The frame policy of a study that names none: the paper's under its split alone, or the first.

    A representation of motion takes the first policy that chooses apex frames.
    """
    entry = get_entry(name)
    if representation in MOTION_REPRESENTATIONS and entry.apex_policies:
        return entry.apex_policies[0]
    return (
        "paper"
        if tuple(protocols) == ("frame",) and "paper" in entry.frame_policies
        else entry.frame_policies[0]
    )


def load_dataset(
    name: str, frame_policy: str, *, root: Path | None = None, classes: Sequence[str] = (), layout: str = ""
) -> SampleTable:
    """Read a data set under a frame policy from `root`, or from its default place.

    Raises:
        ValueError: the set, the policy or the layout is unknown, a root is given to a set that takes none,
            or the data are not there or not usable.
    """
    entry = get_entry(name)
    if frame_policy not in entry.frame_policies:
        raise ValueError(
            f"unknown frames {frame_policy!r} of {name}; accepted: {', '.join(entry.frame_policies)}"
        )
    if layout and layout not in entry.layouts:
        raise ValueError(f"unknown layout {layout!r} of {name}; accepted: {', '.join(entry.layouts)}")
    if name == SYNTHETIC and root is not None:
        raise ValueError(
            f"the data set {name} takes no root, got {root}: it is drawn into the cache. Say what that "
            "folder holds with --dataset: casme2 or ckplus (also where `harness data synthesize` wrote it), "
            "or folder."
        )
    data_root = ensure_synthetic_set() if name == SYNTHETIC else entry.resolve_root(root)
    try:
        table = replace(entry.load(data_root, frame_policy, classes=classes, layout=layout), dataset=name)
    except ValueError as error:
        # The message may name files and cells, which are called whatever somebody has called them.
        raise ValueError(one_line(str(error))) from error
    if name != SYNTHETIC and not has_marker(sample.path for sample in table.samples):
        return table
    note = f"drawn by harness, not the real release ({MARKER} lies with it): it says nothing about people"
    return replace(table, synthetic=True, notes=(note, *table.notes))
