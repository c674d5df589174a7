"""The official CK+: image sequences joined with the label files, and all in which the two disagree.

A sequence begins neutral and ends at the peak, which is the frame its label is of. Sequences without a label
file are no fault: only 327 of 593 fit one of the emotions.
"""

from __future__ import annotations

from pathlib import Path

from datasets.ckplus import labels as ckplus_labels
from datasets.ckplus.clips import Clip, Release, incomplete
from datasets.ckplus.labels import Label
from datasets.ckplus.names import IMAGE_LIKE, frame_of, is_image, originals_first, sequences, some
from datasets.spec import Anomaly
from datasets.tree import Tree


def read(tree: Tree, images: Path, *, labels: Path) -> Release:
    """Every labelled sequence below the folders of subjects `images` and `labels`, by name."""
    folders, anomalies = sequences(tree, images)
    told, faults = ckplus_labels.read(tree, labels)
    anomalies += faults
    clips: list[Clip] = []
    unlabelled = 0
    for name, folder in folders.items():
        frames, odd = _frames(tree, folder, clip=name)
        anomalies += odd
        if not frames and name not in told:
            anomalies.append(_left_out("empty folder", name, "the folder holds no frames"))
        elif name not in told:
            unlabelled += 1
        elif label := told[name]:
            clip, faults = _join(name, frames, label=label)
            clips += [clip] if clip else []
            anomalies += faults
    anomalies += [
        _left_out("no images", name, "the sequence has a label but no folder of images")
        for name in sorted(told.keys() - folders.keys())
    ]
    subjects = len({name.partition("/")[0] for name in folders})
    read_in = f"sequences: {len(folders)}, of {subjects} subjects"
    left = f"unlabelled: {unlabelled} sequences have no label file and were left out"
    return Release(clips=tuple(clips), anomalies=tuple(anomalies), notes=(read_in, left))


def _join(name: str, frames: dict[int, str], *, label: Label) -> tuple[Clip | None, list[Anomaly]]:
    """A sequence with its label, or None where its peak is not there, and what is wrong with it."""
    if not frames:
        return None, [_left_out("no images", name, "the sequence has a label, its folder holds no frames")]
    last = max(frames)
    if label.frame not in frames:
        what = f"the labelled frame, {label.frame}, is not there; the last is {last}"
        return None, [_left_out("missing peak", name, what)]
    clip = Clip(name=name, subject=name.partition("/")[0], emotion=label.emotion, frames=frames, whole=True)
    anomalies = incomplete(clip)
    if label.frame != last:
        what = f"the label is of frame {label.frame}, the last frame is {last}"
        action = "kept, with the last frame as the peak"
        anomalies.append(Anomaly(code="odd peak", where=name, what=what, action=action))
    return clip, anomalies


def _frames(tree: Tree, folder: Path, *, clip: str) -> tuple[dict[int, str], list[Anomaly]]:
    """Frame number → path of one sequence, in order of number, and what else lies there."""
    found: dict[int, str] = {}
    strange: list[str] = []
    misplaced: list[str] = []
    repeated: list[str] = []
    listing = tree.listed(folder)
    for path in originals_first(listing.files):
        told = frame_of(path.name)
        if told is None:
            strange += [path.name] if is_image(path.name) else []
        elif told[0] != clip:
            misplaced.append(path.name)
        elif told[1] in found:
            repeated.append(path.name)
        else:
            found[told[1]] = str(path)
    anomalies = [
        Anomaly(code=code, where=clip, what=f"{what}: {some(names)}", action=f"{len(names)} were left out")
        for code, what, names in (
            ("strange image", f"images not named like {IMAGE_LIKE}", strange),
            ("misplaced image", "images of other sequences, by their names", misplaced),
            ("duplicate frame", "images of frames that another image shows", repeated),
            ("strange folder", "folders within the sequence", [path.name for path in listing.folders]),
        )
        if names
    ]
    return dict(sorted(found.items())), anomalies


def _left_out(code: str, clip: str, what: str) -> Anomaly:
    return Anomaly(code=code, where=clip, what=what, action="the sequence was left out")
