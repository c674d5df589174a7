"""Load the MEGC 2019 composite by the challenge's rules from the releases of SMIC, CASME II and SAMM.

Subjects and clips are named by their set, as in `casme2/sub01`, so that equal names of two sets differ.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from datasets.class_selection import select_classes
from datasets.errors import DatasetError
from datasets.megc2019.constants import ACCESS_INSTRUCTIONS, CLASSES, COMPOSITE, NAME, SETS
from datasets.sheets.facts import FRAME_POLICIES
from datasets.spec import Sample, SampleTable
from datasets.text import pluralize, sanitize

LAYOUT = "composite"
"""The one layout: a folder that holds the releases of the three sets."""

PART_SCHEME = "3-class"
"""The named choice of classes that each set has for the composite."""


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the composite under a frame policy from a folder that holds the three releases.

    Each release is the folder in `root` whose name contains the set's, or the folder that the set's
    environment variable names. Samples are ordered by set, subject, clip and frame number.

    Raises:
        DatasetError: A release is missing or cannot be used, or a class is unknown.
    """
    assert frame_policy in FRAME_POLICIES, frame_policy
    assert layout in ("", LAYOUT), layout
    names = select_classes(classes, default=CLASSES, choices=CLASSES, dataset=NAME)
    roots = find_part_roots(root)
    tables = {
        part: import_module(f"datasets.{part}.loader").load(part_root, frame_policy, classes=(PART_SCHEME,))
        for part, part_root in roots.items()
    }
    samples = [
        _name_by_part(sample, part, label=names.index(CLASSES[sample.label]))
        for part, table in tables.items()
        for sample in table.samples
        if CLASSES[sample.label] in names
    ]
    return SampleTable(
        dataset=NAME,
        frame_policy=frame_policy,
        classes=names,
        samples=tuple(sorted(samples, key=lambda sample: (sample.subject, sample.clip, sample.frame_number))),
        anomalies=tuple(
            replace(anomaly, location=f"{part}: {anomaly.location}")
            for part, table in tables.items()
            for anomaly in table.anomalies
        ),
        notes=(
            *(_describe_part(part, table) for part, table in tables.items()),
            *(f"{SETS[part].title}: {note}" for part, table in tables.items() for note in table.notes),
        ),
        layout=LAYOUT,
        is_aligned=all(table.is_aligned for table in tables.values()),
        aligned_parts=tuple(part for part, table in tables.items() if table.is_aligned),
        expected_clip_counts=tuple(COMPOSITE.clips_per_class[CLASSES.index(name)] for name in names),
    )


def find_part_roots(root: Path) -> dict[str, Path]:
    """Return the folder of each set's release, in the order of the challenge's tables.

    Raises:
        DatasetError: The folder does not exist, or a set has no folder or several.
    """
    root = _find_holder(root.expanduser().absolute())
    folders = _list_folders(root)
    roots: dict[str, Path] = {}
    missing: list[str] = []
    for part in SETS:
        matches = [folder for folder in folders if _has_name(folder, part)]
        variable = f"HARNESS_{part.upper()}"
        if len(matches) > 1:
            raise DatasetError(
                "composite-part.several",
                f"the composite takes one folder of {SETS[part].title}; {root} holds {len(matches)}: "
                f"{', '.join(sanitize(folder.name) for folder in matches)}. Move the others away, or name "
                f"the folder by {variable} and keep it out of the root",
            )
        if matches:
            roots[part] = matches[0]
        elif os.environ.get(variable):
            roots[part] = Path(os.environ[variable])
        else:
            missing.append(f"{SETS[part].title} (a folder with {part} in its name, or {variable})")
    if missing:
        there = ", ".join(sanitize(folder.name) for folder in folders) or "no folder"
        raise DatasetError(
            "composite-part.missing",
            f"the composite needs the releases of three sets; missing in {root}: {'; '.join(missing)}. It "
            f"holds {there}. {ACCESS_INSTRUCTIONS}",
        )
    return roots


def _find_holder(root: Path) -> Path:
    """Return the root or, if none of its folders is named by a set, the first of them that holds such one."""
    return next(
        (
            folder
            for folder in (root, *_list_folders(root))
            if any(_has_name(child, part) for child in _list_folders(folder) for part in SETS)
        ),
        root,
    )


def _list_folders(root: Path) -> list[Path]:
    """Return the folders in the root, by name, without hidden ones; [] if the root does not exist."""
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _has_name(folder: Path, part: str) -> bool:
    """Return True if the folder's name contains the set's, without regard to case and other characters."""
    name = "".join(character for character in folder.name.casefold() if character.isalnum())
    spelling = name.replace("casmeii", "casme2")
    return part in spelling


def _name_by_part(sample: Sample, part: str, *, label: int) -> Sample:
    """Return a sample of a set with its set, and with id, subject and clip named by it."""
    return replace(
        sample,
        id=f"{part}/{sample.id}",
        subject=f"{part}/{sample.subject}",
        clip=f"{part}/{sample.clip}",
        label=label,
        part=part,
    )


def _describe_part(part: str, table: SampleTable) -> str:
    """Return the note on the clips and subjects of a set beside the official numbers."""
    clips = {sample.clip: sample.label for sample in table.samples}
    counts = [sum(label == index for label in clips.values()) for index in range(len(CLASSES))]
    official = SETS[part]
    return (
        f"{official.title}: {pluralize(len(clips), 'clip')} "
        f"({', '.join(f'{count} {name}' for count, name in zip(counts, CLASSES, strict=True))}) of "
        f"{pluralize(len({sample.subject for sample in table.samples}), 'subject')}; the official list has "
        f"{official.num_clips} ({', '.join(map(str, official.clips_per_class))}) of {official.num_subjects}"
    )
