"""Read the emotion labels of the official CK+: a small text file for each labeled sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from datasets.ckplus.constants import LABEL_CODES
from datasets.ckplus.file_names import EXAMPLE_LABEL, find_sequences, format_names, parse_label_name
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly

_NON_LABEL_NAME = re.compile(r".*_(?:facs|landmarks)\.txt|(?!.*\.txt$).*", re.IGNORECASE)
# A label has 16 bytes; reading is limited because a huge file is not a label.
_MAX_LABEL_BYTES = 256


@dataclass(frozen=True, slots=True)
class Label:
    """The emotion of a sequence, and the frame number in the file's name, which should be the last frame."""

    emotion: str
    frame_number: int


Labels = dict[str, Label | None]


def read_labels(tree: DirectoryTree, base_folder: Path) -> tuple[Labels, list[Anomaly]]:
    """Map each clip with label files to its label, or to None if the files are unusable; list anomalies."""
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
    """Return the label that the files of a sequence agree on, or None, and the anomalies."""
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
    """Return the emotion of a label file and "", or "" and what is wrong with the file."""
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
