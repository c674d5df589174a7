"""The official CK+'s emotion labels: one small text file for a labelled sequence, none for the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from datasets.ckplus.facts import LABEL_CODES
from datasets.ckplus.names import LABEL_LIKE, labelled_by, sequences, some
from datasets.spec import Anomaly
from datasets.tree import Tree

_NO_LABEL = re.compile(r".*_(?:facs|landmarks)\.txt|(?!.*\.txt$).*", re.IGNORECASE)
# A label takes 16 bytes; a file of gigabytes is not one and is not read whole.
_ENOUGH = 256


@dataclass(frozen=True, slots=True)
class Label:
    """The emotion of a sequence and the frame that the file's name gives, which should be the last."""

    emotion: str
    frame: int


Labels = dict[str, Label | None]


def read(tree: Tree, place: Path) -> tuple[Labels, list[Anomaly]]:
    """Clip → its label, None where its label files are unusable; a clip without one is not there."""
    folders, anomalies = sequences(tree, place)
    labels: Labels = {}
    for clip, folder in folders.items():
        files: list[tuple[int, Path]] = []
        for path in tree.listed(folder).files:
            told = labelled_by(path.name)
            if told and told[0] == clip:
                files.append((told[1], path))
            elif told or not _NO_LABEL.fullmatch(path.name):
                code = "misplaced label" if told else "strange label"
                what = f"its name is that of {told[0]}" if told else f"its name is not like {LABEL_LIKE}"
                where = tree.relative(path)
                anomalies.append(Anomaly(code=code, where=where, what=what, action="the file was left out"))
        if files:
            labels[clip], faults = _label(clip, sorted(files), tree=tree)
            anomalies += faults
    return labels, anomalies


def _label(clip: str, files: list[tuple[int, Path]], *, tree: Tree) -> tuple[Label | None, list[Anomaly]]:
    """The one label that a sequence's files agree on, or None, and what is wrong with them."""
    labels: list[Label] = []
    for frame, path in files:
        emotion, fault = _emotion(path)
        if fault:
            where, action = tree.relative(path), "the sequence was left out"
            return None, [Anomaly(code="unusable label", where=where, what=fault, action=action)]
        labels.append(Label(emotion, frame))
    if len(labels) == 1:
        return labels[0], []
    said = some([f"{label.emotion} at frame {label.frame}" for label in labels])
    agree = len({label.emotion for label in labels}) == 1
    several = Anomaly(
        code="several labels",
        where=clip,
        what=f"{len(labels)} label files: {said}",
        action="the last one was used, they agree" if agree else "the sequence was left out",
    )
    return labels[-1] if agree else None, [several]


def _emotion(path: Path) -> tuple[str, str]:
    """The emotion that a label file names and "", or "" and what is wrong with it."""
    try:
        with path.open("rb") as file:
            text = file.read(_ENOUGH).decode("utf-8-sig", errors="replace").strip()
    except OSError as error:
        return "", f"the file cannot be read: {error.strerror}"
    try:
        code = float(text)
    except ValueError:
        return "", f"the file must hold one number; it says {text[:40]!r}"
    emotion = LABEL_CODES.get(int(code), "") if code.is_integer() else ""
    known = ", ".join(f"{number} {name}" for number, name in LABEL_CODES.items())
    return emotion, "" if emotion else f"the file says {text!r}; known: {known}"
