"""Read a user's own images from class folders: `<class>/[<subject>/[<clip>/]]<image>`.

The first folder below a class is the subject, the second the clip; deeper folders extend the clip's name.
Clip folders of one name under two classes are separate clips if they share a frame number, which one clip
cannot repeat. Otherwise they count as one clip spread over the classes. If all class folders are named like
people or like parts of a split, they are read as classes and reported as an anomaly.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from datasets.folder.clip_consistency import parse_file_number
from datasets.folder.image_rows import (
    MAX_NAME_LENGTH,
    AnomalyLog,
    ImageRow,
    PathResolver,
    has_unsafe_chars,
    is_image,
    normalize_name,
)
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree

_NON_CLASS_PATTERNS = {
    "subjects": re.compile(r"(?:s|sub|subj|subject|p|participant|person)[ _-]?\d+", re.IGNORECASE),
    "parts of a split": re.compile(r"train(?:ing)?|val(?:id|idation)?|test(?:ing)?", re.IGNORECASE),
}


def read_class_folders(tree: DirectoryTree, anomaly_log: AnomalyLog) -> list[ImageRow]:
    """Read every image in a class folder, at most `MAX_DEPTH` folders down; log the rest as anomalies.

    Clips of one name in several classes have one name here; see `separate_clips`.
    """
    rows: list[ImageRow] = []
    resolver = PathResolver(tree.root)
    for folder, listing in tree.walk():
        parts = folder.relative_to(tree.root).parts
        if len(parts) == MAX_DEPTH:
            for child in listing.folders:
                description = f"it lies more than {MAX_DEPTH} folders down"
                anomaly_log.add(
                    "folder too deep",
                    tree.relative_to_root(child),
                    description=description,
                    action="it was not read",
                )
        if parts:
            rows += _build_rows(parts, listing.files, anomaly_log, resolver=resolver)
            continue
        for name in filter(is_image, (file.name for file in listing.files)):
            description = "it lies in no class folder"
            anomaly_log.add(
                "image without a class", name, description=description, action="the image was left out"
            )
    for anomaly in tree.anomalies:
        anomaly_log.add(
            anomaly.code, anomaly.location, description=anomaly.description, action=anomaly.action
        )
    used_names = {row.id.split("/", 1)[0] for row in rows}
    for child in tree.list_folder(tree.root).folders:
        if child.name not in used_names:
            description = "no usable image in it"
            anomaly_log.add(
                "empty class folder", child.name, description=description, action="the class was left out"
            )
    _report_doubtful_names(sorted(used_names), anomaly_log)
    return rows


def _report_doubtful_names(names: Sequence[str], anomaly_log: AnomalyLog) -> None:
    """Log an anomaly if all class folders are named like subjects, or all like parts of a split."""
    for kind, pattern in _NON_CLASS_PATTERNS.items():
        if names and all(pattern.fullmatch(name.strip()) for name in names):
            description = f"all class folders are named like {kind}"
            action = "they were read as classes; if they are not, name the folder that holds the classes"
            anomaly_log.add("classes like " + kind, ", ".join(names), description=description, action=action)


def _build_rows(
    parts: Sequence[str], files: Sequence[Path], anomaly_log: AnomalyLog, *, resolver: PathResolver
) -> list[ImageRow]:
    """Build the rows of the images in one folder; `parts` are the folder names from the root."""
    rows: list[ImageRow] = []
    label, subject, clip = (
        normalize_name(parts[0]),
        normalize_name("".join(parts[1:2])),
        normalize_name("/".join(parts[2:])),
    )
    for file in files:
        location = "/".join((*parts, file.name))
        if (
            has_unsafe_chars(location)
            or not label
            or max(len(label), len(subject), len(clip)) > MAX_NAME_LENGTH
        ):
            code, description = (
                "unusable name",
                "a name of the path is blank, too long or holds control characters",
            )
        elif not is_image(file.name):
            code, description = "no image", "its suffix is not that of an image file"
        else:
            rows.append(
                ImageRow(
                    location=location,
                    id=location,
                    path=str(file),
                    resolved_path=resolver.resolve(str(file)),
                    label=label,
                    raw_label=parts[0],
                    subject=subject,
                    clip=clip,
                )
            )
            continue
        anomaly_log.add(code, location, description=description, action="the file was left out")
    return rows


def separate_clips(rows: Sequence[ImageRow], anomaly_log: AnomalyLog) -> list[ImageRow]:
    """Add the class to the names of clips that differ from a clip of the same name in another class."""
    numbers: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        number = parse_file_number(row.id)
        if row.clip and number is not None:
            numbers[row.subject, row.clip][row.label].add(number)
    shared_clips = set()
    for (subject, clip), numbers_by_class in numbers.items():
        if len(numbers_by_class) > 1 and all(
            first & second for first, second in combinations(numbers_by_class.values(), 2)
        ):
            shared_clips.add((subject, clip))
            description = (
                f"clips of this name, with frames of the same number, in {', '.join(numbers_by_class)}"
            )
            anomaly_log.add(
                "one clip name in several classes",
                f"{subject}/{clip}",
                description=description,
                action="taken as different clips",
            )
    return [
        replace(row, clip=f"{row.label}/{row.clip}") if (row.subject, row.clip) in shared_clips else row
        for row in rows
    ]
