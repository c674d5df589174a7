"""Read CK+48: the last three frames of each labeled sequence, cropped to 48 pixels, in class folders."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from datasets.ckplus.clips import CkplusClip, CkplusRelease, check_completeness
from datasets.ckplus.file_names import (
    EXAMPLE_IMAGE,
    format_names,
    is_image,
    parse_class,
    parse_frame_name,
    sort_originals_first,
)
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly
from datasets.text import pluralize

FRAMES_PER_SEQUENCE = 3
"""Frames of each sequence in CK+48."""


def read_ck48(tree: DirectoryTree, base_folder: Path) -> CkplusRelease:
    """Read every sequence below the class folders of `base_folder`, sorted by name."""
    frames_by_clip: dict[str, dict[str, dict[int, str]]] = defaultdict(lambda: defaultdict(dict))
    anomalies: list[Anomaly] = []
    for folder in tree.list_folder(base_folder).folders:
        emotion = parse_class(folder.name)
        files = tree.list_folder(folder).files
        if emotion:
            anomalies += _collect_frames(tree, folder, frames_by_clip=frames_by_clip, emotion=emotion)
        elif count := sum(parse_frame_name(path.name) is not None for path in files):
            location, description = tree.relative_to_root(folder), "the folder's name is not a class of CK+"
            action = f"its {pluralize(count, 'image')} {'was' if count == 1 else 'were'} left out"
            anomalies.append(
                Anomaly(code="unknown class", location=location, description=description, action=action)
            )
    clips: list[CkplusClip] = []
    for name, frames_by_emotion in sorted(frames_by_clip.items()):
        if len(frames_by_emotion) > 1:
            description = (
                f"the sequence has frames in the class folders {' and '.join(sorted(frames_by_emotion))}"
            )
            action = "the sequence was left out"
            anomalies.append(
                Anomaly(code="two classes", location=name, description=description, action=action)
            )
            continue
        ((emotion, frames),) = frames_by_emotion.items()
        clip, clip_anomalies = _build_clip(name, emotion, frames=dict(sorted(frames.items())))
        clips.append(clip)
        anomalies += clip_anomalies
    subjects = len({clip.subject for clip in clips})
    note = f"sequences: {len(clips)}, of {pluralize(subjects, 'subject')}"
    return CkplusRelease(clips=tuple(clips), anomalies=tuple(anomalies), notes=(note,))


def _collect_frames(
    tree: DirectoryTree, folder: Path, *, frames_by_clip: dict[str, dict[str, dict[int, str]]], emotion: str
) -> list[Anomaly]:
    """Add the frames of a class folder to `frames_by_clip` (clip → class → frame → path); list the rest."""
    unknown_images: list[str] = []
    duplicates: list[str] = []
    listing = tree.list_folder(folder)
    for path in sort_originals_first(listing.files):
        frame_key = parse_frame_name(path.name)
        if frame_key is None:
            unknown_images += [path.name] if is_image(path.name) else []
        elif frame_key[1] in frames_by_clip[frame_key[0]][emotion]:
            duplicates.append(path.name)
        else:
            frames_by_clip[frame_key[0]][emotion][frame_key[1]] = str(path)
    location = tree.relative_to_root(folder)
    return [
        Anomaly(
            code=code,
            location=location,
            description=f"{description}: {format_names(names)}",
            action=f"{len(names)} were left out",
        )
        for code, description, names in (
            ("strange image", f"images not named like {EXAMPLE_IMAGE}", unknown_images),
            ("duplicate frame", "images of frames that another image shows", duplicates),
            ("strange folder", "folders within a class", [path.name for path in listing.folders]),
        )
        if names
    ]


def _build_clip(name: str, emotion: str, *, frames: dict[int, str]) -> tuple[CkplusClip, list[Anomaly]]:
    """Build one sequence from its last three frames, and list its anomalies."""
    last_frames = dict(list(frames.items())[-FRAMES_PER_SEQUENCE:])
    clip = CkplusClip(
        name=name, subject=name.partition("/")[0], emotion=emotion, frames=last_frames, is_full_sequence=False
    )
    anomalies = check_completeness(clip)
    if len(frames) > FRAMES_PER_SEQUENCE:
        description = f"CK+48 has {FRAMES_PER_SEQUENCE} frames of a sequence; here are {len(frames)}"
        action = f"the last {FRAMES_PER_SEQUENCE} were kept"
        anomalies.append(Anomaly(code="long sequence", location=name, description=description, action=action))
    return clip, anomalies
