"""Parse CK+'s folder and file names: subject, sequence and frame."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets.ckplus.constants import CLASS_FOLDERS
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly
from datasets.text import pluralize, summarize_names

EXAMPLE_IMAGE = "S005_001_00000011.png"
EXAMPLE_LABEL = "S005_001_00000011_emotion.txt"

_SUBJECT = re.compile(r"S[0-9]{3}", re.IGNORECASE)
_SUBJECT_LIKE = re.compile(r"S[0-9].*", re.IGNORECASE)
_SEQUENCE = re.compile(r"[0-9]{3}")
_KEY = r"(S[0-9]{3})_([0-9]{3})_([0-9]{8})"
_IMAGE_SUFFIX = r"\.(?:png|jpe?g|bmp|tiff?)"
_FRAME = re.compile(_KEY + _IMAGE_SUFFIX, re.IGNORECASE)
_LABEL = re.compile(_KEY + r"_emotion\.txt", re.IGNORECASE)
_IMAGE = re.compile(r".+" + _IMAGE_SUFFIX, re.IGNORECASE)


def parse_subject(folder: str) -> str:
    """Return the subject of a folder name, like `S005`, or ""."""
    return folder.upper() if _SUBJECT.fullmatch(folder) else ""


def parse_class(folder: str) -> str:
    """Return the class of a folder name, in any of its spellings, or ""."""
    return CLASS_FOLDERS.get(folder.strip().lower(), "")


def parse_frame_name(file: str) -> tuple[str, int] | None:
    """Return the clip (`S005/001`) and frame number of an image name, or None."""
    return _parse_key(_FRAME.fullmatch(file))


def parse_label_name(file: str) -> tuple[str, int] | None:
    """Return the clip and frame number of a label file name, or None."""
    return _parse_key(_LABEL.fullmatch(file))


def is_image(file: str) -> bool:
    """Return True if a file name has the suffix of an image."""
    return _IMAGE.fullmatch(file) is not None


def sort_originals_first(files: Iterable[Path]) -> list[Path]:
    """Sort files by name, PNG first: the release is PNG, so other formats were converted from it."""
    return sorted(files, key=lambda path: (path.suffix.lower() != ".png", path.name))


def _parse_key(match: re.Match[str] | None) -> tuple[str, int] | None:
    return (f"{match[1].upper()}/{match[2]}", int(match[3])) if match else None


def format_names(names: Sequence[object], *, max_names: int = 5) -> str:
    """Return the first names as a printable list, and how many more there are."""
    return summarize_names([str(name) for name in names], max_names=max_names)


def find_sequences(tree: DirectoryTree, base_folder: Path) -> tuple[dict[str, Path], list[Anomaly]]:
    """Map each clip below a folder of subjects to its folder, sorted by name; list unusual ones as anomalies.

    Folders whose names do not resemble a subject are ignored.
    """
    folders: dict[str, Path] = {}
    anomalies: list[Anomaly] = []

    def add_anomaly(code: str, folder: Path, description: str, action: str) -> None:
        anomalies.append(
            Anomaly(code=code, location=tree.relative_to_root(folder), description=description, action=action)
        )

    for child in tree.list_folder(base_folder).folders:
        subject = parse_subject(child.name)
        if not subject:
            if _SUBJECT_LIKE.fullmatch(child.name):
                add_anomaly(
                    "strange folder", child, "its name is not that of a subject, like S005", "it was left out"
                )
            continue
        listing = tree.list_folder(child)
        if image_names := [path.name for path in listing.files if is_image(path.name)]:
            description = f"images beside its sequences: {format_names(image_names)}"
            add_anomaly(
                "strange image", child, description, f"left out: {pluralize(len(image_names), 'file')}"
            )
        for folder in listing.folders:
            clip = f"{subject}/{folder.name}"
            if not _SEQUENCE.fullmatch(folder.name):
                add_anomaly(
                    "strange folder",
                    folder,
                    "its name is not that of a sequence, like 001",
                    "it was left out",
                )
            elif clip in folders:
                description = f"a second folder of {clip}, beside {tree.relative_to_root(folders[clip])}"
                add_anomaly("duplicate folder", folder, description, "the first one was used")
            else:
                folders[clip] = folder
    return dict(sorted(folders.items())), anomalies
