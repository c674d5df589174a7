"""Catalogue of the data sets: frame policies, access and loaders. A new data set is one new entry."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from datasets.casme2 import constants as casme2_facts
from datasets.ckplus import constants as ckplus_facts
from datasets.errors import DatasetError
from datasets.folder import constants as folder_facts
from datasets.megc2019 import constants as megc2019_facts
from datasets.samm import constants as samm_facts
from datasets.sheets.facts import APEX_POLICIES, SheetFacts
from datasets.smic import constants as smic_facts
from datasets.spec import MOTION_REPRESENTATIONS, SampleTable
from datasets.synthetic_marker import MARKER, has_marker


class Loader(Protocol):
    """Signature of the `load` function of every data set."""

    def __call__(
        self, root: Path, frame_policy: str, *, classes: Sequence[str], layout: str, **patterns: str
    ) -> SampleTable:
        """Load the release below a root under a frame policy; () and "" select default classes and layout.

        A data set whose entry has `path_patterns` also takes `subject_from` and `clip_from`, the expressions
        that find the subject and the clip in an image's path.

        Raises:
            DatasetError: The data are missing or unusable.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """A data set that the harness can load.

    Attributes:
        apex_policies: The frame policies that select frames at or near the apex.
        layouts: Layouts of the release, the preferred one first.
        classes: All classes of the data set; () if only its files name them.
        default_classes: The classes of a study that names no classes; () if only the files name them.
        class_schemes: The classes of each named choice of classes, such as "3-class".
        env_var: Environment variable that holds the root; "" for a data set without a default root.
        default_folder: Root used if `env_var` is not set; "" for a data set without a default root.
        requires_license: Whether the license must be checked before images are shown.
        path_patterns: Whether regular expressions can read subjects and clips from the paths of the images.
        is_composite: Whether it joins other data sets.
        groups_help: What to do if a protocol needs subjects or clips and the data do not name them; `{kind}`
            stands for "subject" or "clip"; "" if only another release helps.
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
    default_classes: tuple[str, ...] = ()
    class_schemes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requires_license: bool = False
    path_patterns: bool = False
    is_composite: bool = False
    groups_help: str = ""

    def check_options(self, frame_policy: str, layout: str) -> None:
        """Raise DatasetError if the data set lacks the frame policy, or the layout ("" for any)."""
        if frame_policy not in self.frame_policies:
            raise DatasetError(
                "frame-policy.unknown",
                f"unknown frames {frame_policy!r} of {self.name}; accepted: {', '.join(self.frame_policies)}",
            )
        if layout and layout not in self.layouts:
            raise DatasetError(
                "layout.unknown",
                f"unknown layout {layout!r} of {self.name}; accepted: {', '.join(self.layouts)}",
            )

    def resolve_root(self, root: Path | None) -> Path:
        """Return the given root, or the one in the environment variable, or the default folder.

        Raises:
            DatasetError: The data set has no default root, and none is given.
        """
        folder = root or os.environ.get(self.env_var) or self.default_folder
        if not folder:
            raise DatasetError(
                "root.missing", f"the data set {self.name} needs --root. {self.access_instructions}"
            )
        return Path(folder)


def _make_sheet_entry(
    facts: SheetFacts, *, description: str, frame_policies: tuple[str, ...]
) -> DatasetEntry:
    """Return the entry of a licensed data set whose clips a coding sheet lists."""
    return DatasetEntry(
        name=facts.name,
        title=facts.title,
        description=description,
        frame_policies=frame_policies,
        apex_policies=APEX_POLICIES,
        layouts=facts.layouts,
        classes=facts.classes,
        access_instructions=facts.access_instructions,
        load=_make_lazy_loader(f"datasets.{facts.name}.loader"),
        env_var=f"HARNESS_{facts.name.upper()}",
        default_folder=f"data/{facts.name}",
        default_classes=facts.default_classes,
        class_schemes={name: scheme.classes for name, scheme in facts.schemes.items()},
        requires_license=True,
    )


def _make_lazy_loader(module: str) -> Loader:
    """Return a loader that imports the module on its first call, because pandas is slow to import."""

    def load(
        root: Path, frame_policy: str, *, classes: Sequence[str], layout: str, **patterns: str
    ) -> SampleTable:
        module_load = cast("Loader", import_module(module).load)
        return module_load(root, frame_policy, classes=classes, layout=layout, **patterns)

    return load


SYNTHETIC, LEAKY = "synthetic", "leaky"
SYNTHETIC_SETS = (SYNTHETIC, LEAKY)
"""The sets of synthetic faces that are generated in the cache."""


def ensure_synthetic_set(name: str = SYNTHETIC) -> Path:
    """Return the folder of one of `SYNTHETIC_SETS`; generate the set in the cache if it is missing."""
    import hashlib
    import json

    from datasets.io.cache_files import check_cache_writable, get_cache_dir
    from datasets.synthetic import generator

    spec = generator.LEAKY if name == LEAKY else generator.DEMO
    identity = json.dumps([generator.GENERATOR_VERSION, asdict(spec)], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    folder = get_cache_dir() / f"synthetic-{digest[:16]}"
    if not folder.exists():
        check_cache_writable()
        try:
            generator.synthesize(spec, folder)
        except (OSError, ValueError):
            # Another process generated the same set at the same time and finished first.
            if not folder.exists():
                raise
    return folder


def _make_synthetic_entry(name: str, *, title: str, description: str) -> DatasetEntry:
    """Return the entry of synthetic faces in the layout of CASME II."""
    return DatasetEntry(
        name=name,
        title=title,
        description=description,
        frame_policies=casme2_facts.FRAME_POLICIES,
        apex_policies=("apex", "apex_window"),
        layouts=("cropped",),
        classes=casme2_facts.CLASSES,
        access_instructions="No download: it is generated on first use.",
        load=_make_lazy_loader("datasets.casme2.loader"),
        default_classes=casme2_facts.DEFAULT_CLASSES,
        class_schemes={name: scheme.classes for name, scheme in casme2_facts.SCHEMES.items()},
    )


DATASETS: dict[str, DatasetEntry] = {
    entry.name: entry
    for entry in (
        _make_sheet_entry(
            casme2_facts.FACTS,
            description="Micro-expressions at 200 frames a second; Yan et al. 2014.",
            frame_policies=casme2_facts.FRAME_POLICIES,
        ),
        _make_sheet_entry(
            smic_facts.FACTS,
            description="Micro-expressions at 100 frames a second (HS), or 25 (VIS, NIR); Li et al. 2013.",
            frame_policies=smic_facts.FRAME_POLICIES,
        ),
        _make_sheet_entry(
            samm_facts.FACTS,
            description="Micro-expressions at 200 frames a second; Davison et al. 2018.",
            frame_policies=samm_facts.FRAME_POLICIES,
        ),
        DatasetEntry(
            name=megc2019_facts.NAME,
            title="MEGC 2019",
            description="Composite of SMIC, CASME II and SAMM under three classes; See et al. 2019.",
            frame_policies=("apex", "apex_window", "onset_offset"),
            apex_policies=APEX_POLICIES,
            layouts=("composite",),
            classes=megc2019_facts.CLASSES,
            access_instructions=megc2019_facts.ACCESS_INSTRUCTIONS,
            load=_make_lazy_loader("datasets.megc2019.loader"),
            env_var="HARNESS_MEGC2019",
            default_folder="data",
            default_classes=megc2019_facts.CLASSES,
            requires_license=True,
            is_composite=True,
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
            load=_make_lazy_loader("datasets.ckplus.loader"),
            env_var="HARNESS_CKPLUS",
            default_folder="data/ckplus",
            default_classes=ckplus_facts.DEFAULT_CLASSES,
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
            load=_make_lazy_loader("datasets.folder.loader"),
            path_patterns=True,
            groups_help=folder_facts.GROUPS_HELP,
        ),
        _make_synthetic_entry(
            SYNTHETIC,
            title="the synthetic set",
            description="Synthetic faces in the layout of CASME II. Results say nothing about people.",
        ),
        _make_synthetic_entry(
            LEAKY,
            title="the leaky set",
            description="Synthetic faces of 48 people, one emotion each: the person gives the class away.",
        ),
    )
}


def get_entry(name: str) -> DatasetEntry:
    """Return the entry of a data set; raise DatasetError with the accepted names if there is none."""
    if name not in DATASETS:
        raise DatasetError("dataset.unknown", f"unknown data set {name!r}; accepted: {', '.join(DATASETS)}")
    return DATASETS[name]


def get_default_frame_policy(name: str, protocols: Sequence[str], representation: str = "frame") -> str:
    """Return the frame policy of a study that names no policy.

    It is "paper" if the data set has it and "frame" is the only protocol, otherwise the first policy. A
    motion representation uses the first policy that selects apex frames.
    """
    entry = get_entry(name)
    if representation in MOTION_REPRESENTATIONS and entry.apex_policies:
        return entry.apex_policies[0]
    return (
        "paper"
        if tuple(protocols) == ("frame",) and "paper" in entry.frame_policies
        else entry.frame_policies[0]
    )


def check_path_patterns(name: str, *, subject_from: str | None, clip_from: str | None) -> dict[str, str]:
    """Check the expressions for subjects and clips without the data; return those given, by argument name.

    Raises:
        DatasetError: An expression is invalid, or the data set does not take any.
    """
    from datasets.folder.path_patterns import compile_pattern

    options = (("subject", subject_from), ("clip", clip_from))
    patterns = {kind: pattern for kind, pattern in options if pattern is not None}
    for kind, pattern in patterns.items():
        if not get_entry(name).path_patterns:
            choices = ", ".join(entry.name for entry in DATASETS.values() if entry.path_patterns)
            raise DatasetError(
                "path-pattern.not-accepted",
                f"--{kind}-from reads {kind}s from the paths of your own images (--dataset {choices}); "
                f"{name} names its {kind}s itself: leave the option out",
            )
        compile_pattern(kind, pattern)
    return {f"{kind}_from": pattern for kind, pattern in patterns.items()}


def load_dataset(
    name: str,
    frame_policy: str,
    *,
    root: Path | None = None,
    classes: Sequence[str] = (),
    layout: str = "",
    subject_from: str | None = None,
    clip_from: str | None = None,
) -> SampleTable:
    """Load a data set under a frame policy from `root`, or from its default root.

    `subject_from` and `clip_from` are regular expressions that find the subject and the clip in an image's
    path (`datasets.folder.path_patterns`); None uses those that the data set names.

    Raises:
        DatasetError: The data set, policy or layout is unknown; a root is given for a synthetic set; an
            expression is invalid or not for this data set; or the data are missing or unusable.
    """
    entry = get_entry(name)
    entry.check_options(frame_policy, layout)
    if name in SYNTHETIC_SETS and root is not None:
        raise DatasetError(
            "root.not-accepted",
            f"the data set {name} takes no root, got {root}: it is generated in the cache. To read that "
            "folder, name its data set with --dataset: casme2 or ckplus (also for the output of "
            "`harness data synthesize`), or folder.",
        )
    patterns = check_path_patterns(name, subject_from=subject_from, clip_from=clip_from)
    data_root = ensure_synthetic_set(name) if name in SYNTHETIC_SETS else entry.resolve_root(root)
    table = entry.load(data_root, frame_policy, classes=classes, layout=layout, **patterns)
    table = replace(table, dataset=name)
    if name not in SYNTHETIC_SETS and not has_marker(sample.path for sample in table.samples):
        return table
    note = f"synthetic faces, not the real release (marked by {MARKER}): results say nothing about people"
    return replace(table, synthetic=True, notes=(note, *table.notes))
