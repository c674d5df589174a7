"""The official CK+'s emotion labels: one small text file for a labelled sequence, none for the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from datasets.ckplus.facts import LABEL_CODES
from datasets.ckplus.names import EXAMPLE_LABEL, find_sequences, format_names, parse_label_name
from datasets.spec import Anomaly
from datasets.tree import DirectoryTree

_NON_LABEL_NAME = re.compile(r".*_(?:facs|landmarks)\.txt|(?!.*\.txt$).*", re.IGNORECASE)
# A label takes 16 bytes; a file of gigabytes is not one and is not read whole.
_MAX_LABEL_BYTES = 256


@dataclass(frozen=True, slots=True)
class Label:
    """The emotion of a sequence and the frame that the file's name gives, which should be the last."""

    emotion: str
    frame_number: int


Labels = dict[str, Label | None]


def read_labels(tree: DirectoryTree, base_folder: Path) -> tuple[Labels, list[Anomaly]]:
    """Clip → its label, None where its label files are unusable; a clip without one is not there."""
    folders, anomalies = find_sequences(tree, base_folder)
    labels: Labels = {}
    for clip, folder in folders.items():
        files: list[tuple[int, Path]] = []
        for path in tree.list_folder(folder).files:
            label_key = parse_label_name(path.name)
            if label_key and label_key[0] == clip:
                files.append((label_key[1], path))
            elif label_key or not _NON_LABEL_NAME.fullmatch(path.name):
                code = "misplaced label" if label_key else "strange label"
                description = (
                    f"its name is that of {label_key[0]}"
                    if label_key
                    else f"its name is not like {EXAMPLE_LABEL}"
                )
                location = tree.relative_to_root(path)
                anomalies.append(
                    Anomaly(
                        code=code, location=location, description=description, action="the file was left out"
                    )
                )
        if files:
            labels[clip], clip_anomalies = _merge_labels(clip, sorted(files), tree=tree)
            anomalies += clip_anomalies
    return labels, anomalies


def _merge_labels(
    clip: str, files: list[tuple[int, Path]], *, tree: DirectoryTree
) -> tuple[Label | None, list[Anomaly]]:
    """The one label that a sequence's files agree on, or None, and what is wrong with them."""
    labels: list[Label] = []
    for frame, path in files:
        emotion, fault = _read_emotion(path)
        if fault:
            location, action = tree.relative_to_root(path), "the sequence was left out"
            return None, [Anomaly(code="unusable label", location=location, description=fault, action=action)]
        labels.append(Label(emotion, frame))
    if len(labels) == 1:
        return labels[0], []
    label_list = format_names([f"{label.emotion} at frame {label.frame_number}" for label in labels])
    labels_agree = len({label.emotion for label in labels}) == 1
    anomaly = Anomaly(
        code="several labels",
        location=clip,
        description=f"{len(labels)} label files: {label_list}",
        action="the last one was used, they agree" if labels_agree else "the sequence was left out",
    )
    return labels[-1] if labels_agree else None, [anomaly]


def _read_emotion(path: Path) -> tuple[str, str]:
    """The emotion that a label file names and "", or "" and what is wrong with it."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_LABEL_BYTES).decode("utf-8-sig", errors="replace").strip()
    except OSError as error:
        return "", f"the file cannot be read: {error.strerror}"
    try:
        code = float(text)
    except ValueError:
        return "", f"the file must hold one number; it says {text[:40]!r}"
    emotion = LABEL_CODES.get(int(code), "") if code.is_integer() else ""
    known_codes = ", ".join(f"{number} {name}" for number, name in LABEL_CODES.items())
    return emotion, "" if emotion else f"the file says {text!r}; known: {known_codes}"
