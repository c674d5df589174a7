"""What the names of CK+'s folders and files say: subject, sequence and frame, or that they are foreign."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets.ckplus.facts import CLASS_FOLDERS
from datasets.spec import Anomaly
from datasets.text import named
from datasets.tree import Tree

IMAGE_LIKE = "S005_001_00000011.png"
LABEL_LIKE = "S005_001_00000011_emotion.txt"

_SUBJECT = re.compile(r"S[0-9]{3}", re.IGNORECASE)
_ALMOST_SUBJECT = re.compile(r"S[0-9].*", re.IGNORECASE)
_SEQUENCE = re.compile(r"[0-9]{3}")
_KEY = r"(S[0-9]{3})_([0-9]{3})_([0-9]{8})"
_PICTURE = r"\.(?:png|jpe?g|bmp|tiff?)"
_FRAME = re.compile(_KEY + _PICTURE, re.IGNORECASE)
_LABEL = re.compile(_KEY + r"_emotion\.txt", re.IGNORECASE)
_IMAGE = re.compile(r".+" + _PICTURE, re.IGNORECASE)


def subject_id(folder: str) -> str:
    """The subject that a folder is of, as `S005`; "" if it is none's."""
    return folder.upper() if _SUBJECT.fullmatch(folder) else ""


def class_of(folder: str) -> str:
    """The class that a folder is of, under any of its names; "" if it is none's."""
    return CLASS_FOLDERS.get(folder.strip().lower(), "")


def frame_of(file: str) -> tuple[str, int] | None:
    """Clip (`S005/001`) and frame number that an image's name tells, or None."""
    return _key(_FRAME.fullmatch(file))


def labelled_by(file: str) -> tuple[str, int] | None:
    """Clip and frame number that a label file's name tells, or None."""
    return _key(_LABEL.fullmatch(file))


def is_image(file: str) -> bool:
    """Whether a file's name ends as an image's does."""
    return _IMAGE.fullmatch(file) is not None


def originals_first(files: Iterable[Path]) -> list[Path]:
    """Files by name, PNG before the rest: the release is PNG, any other format was made from it."""
    return sorted(files, key=lambda path: (path.suffix.lower() != ".png", path.name))


def _key(match: re.Match[str] | None) -> tuple[str, int] | None:
    return (f"{match[1].upper()}/{match[2]}", int(match[3])) if match else None


def some(names: Sequence[object], *, most: int = 5) -> str:
    """The first few names as a list, safe to print, and how many more there are."""
    return named([str(name) for name in names], most=most)


def sequences(tree: Tree, place: Path) -> tuple[dict[str, Path], list[Anomaly]]:
    """Clip → folder of every sequence below a folder of subjects, in order of name; odd ones are listed.

    Folders beside the subjects' that do not look like one may be anything, and are passed over.
    """
    found: dict[str, Path] = {}
    anomalies: list[Anomaly] = []

    def odd(code: str, folder: Path, what: str, action: str) -> None:
        anomalies.append(Anomaly(code=code, where=tree.relative(folder), what=what, action=action))

    for child in tree.listed(place).folders:
        subject = subject_id(child.name)
        if not subject:
            if _ALMOST_SUBJECT.fullmatch(child.name):
                odd("strange folder", child, "its name is no subject's, like S005", "it was left out")
            continue
        listing = tree.listed(child)
        if images := [path.name for path in listing.files if is_image(path.name)]:
            what = f"images beside its sequences: {some(images)}"
            odd("strange image", child, what, f"{len(images)} files were left out")
        for folder in listing.folders:
            clip = f"{subject}/{folder.name}"
            if not _SEQUENCE.fullmatch(folder.name):
                odd("strange folder", folder, "its name is no sequence's, like 001", "it was left out")
            elif clip in found:
                what = f"a second folder of {clip}, beside {tree.relative(found[clip])}"
                odd("duplicate folder", folder, what, "the first one was used")
            else:
                found[clip] = folder
    return dict(sorted(found.items())), anomalies
