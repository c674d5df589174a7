"""CK+48: the last three frames of every labelled sequence, cut to 48 pixels, a folder for each class."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from datasets.ckplus.clips import Clip, Release, incomplete
from datasets.ckplus.names import IMAGE_LIKE, class_of, frame_of, is_image, originals_first, some
from datasets.spec import Anomaly
from datasets.tree import Tree

HELD = 3
"""Frames of each sequence."""


def read(tree: Tree, place: Path) -> Release:
    """Every sequence below the folder of class folders `place`, by name."""
    found: dict[str, dict[str, dict[int, str]]] = defaultdict(lambda: defaultdict(dict))
    anomalies: list[Anomaly] = []
    for folder in tree.listed(place).folders:
        emotion = class_of(folder.name)
        files = tree.listed(folder).files
        if emotion:
            anomalies += _collect(tree, folder, found=found, emotion=emotion)
        elif count := sum(frame_of(path.name) is not None for path in files):
            where, what = tree.relative(folder), "the folder's name is no class of CK+"
            action = f"its {count} images were left out"
            anomalies.append(Anomaly(code="unknown class", where=where, what=what, action=action))
    clips: list[Clip] = []
    for name, emotions in sorted(found.items()):
        if len(emotions) > 1:
            what = f"the sequence stands under {' and '.join(sorted(emotions))}"
            action = "the sequence was left out"
            anomalies.append(Anomaly(code="two classes", where=name, what=what, action=action))
            continue
        ((emotion, frames),) = emotions.items()
        clip, faults = _clip(name, emotion, frames=dict(sorted(frames.items())))
        clips.append(clip)
        anomalies += faults
    subjects = len({clip.subject for clip in clips})
    note = f"sequences: {len(clips)}, of {subjects} subjects"
    return Release(clips=tuple(clips), anomalies=tuple(anomalies), notes=(note,))


def _collect(
    tree: Tree, folder: Path, *, found: dict[str, dict[str, dict[int, str]]], emotion: str
) -> list[Anomaly]:
    """Put the frames of a class folder into `found` (clip → class → frame → path); list what is none."""
    strange: list[str] = []
    repeated: list[str] = []
    listing = tree.listed(folder)
    for path in originals_first(listing.files):
        told = frame_of(path.name)
        if told is None:
            strange += [path.name] if is_image(path.name) else []
        elif told[1] in found[told[0]][emotion]:
            repeated.append(path.name)
        else:
            found[told[0]][emotion][told[1]] = str(path)
    where = tree.relative(folder)
    return [
        Anomaly(code=code, where=where, what=f"{what}: {some(names)}", action=f"{len(names)} were left out")
        for code, what, names in (
            ("strange image", f"images not named like {IMAGE_LIKE}", strange),
            ("duplicate frame", "images of frames that another image shows", repeated),
            ("strange folder", "folders within a class", [path.name for path in listing.folders]),
        )
        if names
    ]


def _clip(name: str, emotion: str, *, frames: dict[int, str]) -> tuple[Clip, list[Anomaly]]:
    """One sequence, cut to its last three frames, and what is wrong with it."""
    last = dict(list(frames.items())[-HELD:])
    clip = Clip(name=name, subject=name.partition("/")[0], emotion=emotion, frames=last, whole=False)
    anomalies = incomplete(clip)
    if len(frames) > HELD:
        what = f"CK+48 has {HELD} frames of a sequence; here are {len(frames)}"
        action = f"the last {HELD} were kept"
        anomalies.append(Anomaly(code="long sequence", where=name, what=what, action=action))
    return clip, anomalies
