"""Read the official CK+: join image sequences with label files, and report where the two disagree.

A sequence begins neutral and ends at the peak; the label names the peak frame. A sequence without a label
file is not an anomaly: only 327 of the 593 sequences match an emotion.
"""

from __future__ import annotations

from pathlib import Path

from datasets.ckplus import labels as ckplus_labels
from datasets.ckplus.clips import CkplusClip, CkplusRelease, check_completeness
from datasets.ckplus.file_names import (
    EXAMPLE_IMAGE,
    find_sequences,
    format_names,
    is_image,
    parse_frame_name,
    sort_originals_first,
)
from datasets.ckplus.labels import Label
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly
from datasets.text import pluralize


def read_official(tree: DirectoryTree, images: Path, *, labels: Path) -> CkplusRelease:
    """Read every labeled sequence below the subject folders of `images` and `labels`, sorted by name."""
    folders, anomalies = find_sequences(tree, images)
    labels_by_clip, new_anomalies = ckplus_labels.read_labels(tree, labels)
    anomalies += new_anomalies
    clips: list[CkplusClip] = []
    num_unlabeled = 0
    for name, folder in folders.items():
        frames, frame_anomalies = _collect_frames(tree, folder, clip=name)
        anomalies += frame_anomalies
        if not frames and name not in labels_by_clip:
            anomalies.append(_make_exclusion_anomaly("empty folder", name, "the folder holds no frames"))
        elif name not in labels_by_clip:
            num_unlabeled += 1
        elif label := labels_by_clip[name]:
            clip, new_anomalies = _build_clip(name, frames, label=label)
            clips += [clip] if clip else []
            anomalies += new_anomalies
    anomalies += [
        _make_exclusion_anomaly("no images", name, "the sequence has a label but no folder of images")
        for name in sorted(labels_by_clip.keys() - folders.keys())
    ]
    subjects = len({name.partition("/")[0] for name in folders})
    sequence_note = f"sequences: {len(folders)}, of {pluralize(subjects, 'subject')}"
    unlabeled_note = f"unlabelled: {num_unlabeled} sequences have no label file and were left out"
    return CkplusRelease(
        clips=tuple(clips), anomalies=tuple(anomalies), notes=(sequence_note, unlabeled_note)
    )


def _build_clip(
    name: str, frames: dict[int, str], *, label: Label
) -> tuple[CkplusClip | None, list[Anomaly]]:
    """Build a sequence with its label, or None if its peak frame is missing, and list its anomalies."""
    if not frames:
        return None, [
            _make_exclusion_anomaly("no images", name, "the sequence has a label, its folder holds no frames")
        ]
    last_frame = max(frames)
    if label.frame_number not in frames:
        description = f"the labelled frame, {label.frame_number}, is not there; the last is {last_frame}"
        return None, [_make_exclusion_anomaly("missing peak", name, description)]
    clip = CkplusClip(
        name=name, subject=name.partition("/")[0], emotion=label.emotion, frames=frames, is_full_sequence=True
    )
    anomalies = check_completeness(clip)
    if label.frame_number != last_frame:
        description = f"the label is of frame {label.frame_number}, the last frame is {last_frame}"
        action = "kept, with the last frame as the peak"
        anomalies.append(Anomaly(code="odd peak", location=name, description=description, action=action))
    return clip, anomalies


def _collect_frames(tree: DirectoryTree, folder: Path, *, clip: str) -> tuple[dict[int, str], list[Anomaly]]:
    """Map each frame number of a sequence to its path, in order; list other contents as anomalies."""
    frames: dict[int, str] = {}
    unknown_images: list[str] = []
    misplaced_images: list[str] = []
    duplicates: list[str] = []
    listing = tree.list_folder(folder)
    for path in sort_originals_first(listing.files):
        frame_key = parse_frame_name(path.name)
        if frame_key is None:
            unknown_images += [path.name] if is_image(path.name) else []
        elif frame_key[0] != clip:
            misplaced_images.append(path.name)
        elif frame_key[1] in frames:
            duplicates.append(path.name)
        else:
            frames[frame_key[1]] = str(path)
    anomalies = [
        Anomaly(
            code=code,
            location=clip,
            description=f"{description}: {format_names(names)}",
            action=f"{len(names)} were left out",
        )
        for code, description, names in (
            ("strange image", f"images not named like {EXAMPLE_IMAGE}", unknown_images),
            ("misplaced image", "images of other sequences, by their names", misplaced_images),
            ("duplicate frame", "images of frames that another image shows", duplicates),
            ("strange folder", "folders within the sequence", [path.name for path in listing.folders]),
        )
        if names
    ]
    return dict(sorted(frames.items())), anomalies


def _make_exclusion_anomaly(code: str, clip: str, description: str) -> Anomaly:
    return Anomaly(code=code, location=clip, description=description, action="the sequence was left out")
