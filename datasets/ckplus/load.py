"""CK+, whichever layout lies below a folder: which images are samples under a policy, and their table.

Zhang et al. take the last three frames of each labelled sequence and leave contempt out. Their Table 2 counts
206 happy ones, which is no multiple of three; a complete release has 207.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from datasets.ckplus import ck48 as ckplus_48
from datasets.ckplus import official as ckplus_official
from datasets.ckplus.clips import Clip
from datasets.ckplus.facts import (
    CLASSES,
    CSV_CLASSES,
    FRAMES,
    LAYOUTS,
    NEUTRAL,
    OBTAIN,
    POLICIES,
    SEQUENCES,
    USUAL,
    USUAL_FOLDS,
)
from datasets.ckplus.files import Place, Survey, choose, survey
from datasets.classes import chosen
from datasets.spec import Picture, Sample, SampleTable

__all__ = ["CLASSES", "FRAMES", "LAYOUTS", "OBTAIN", "USUAL", "load"]

# How many frames from the end on; [-0:] is all of them.
_LAST = {"last3": 3, "peak": 1, "all": 0}
_WHY_NOT = {
    "ck48": "CK+48 holds only the last three frames of a sequence",
    "h5": "the rows of CK_data.h5 do not tell which sequence they are of",
    "csv": "the rows of ckextended.csv do not tell which sequence they are of",
}


def load(root: Path, frames: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Read the release below `root`, or the container `root`, under the policy `frames`, one of `FRAMES`.

    `classes` are () for the usual six; `layout` is one of `LAYOUTS`, "" for the first of them that is there.
    Samples are ordered by subject, clip and frame, or by row. Every oddity of the data is in `anomalies`.

    Raises:
        ValueError: no release was found, or several; the layout is unknown, not there, or cannot serve the
            policy or a class; the data cannot be read; no image is usable.
    """
    assert frames in FRAMES, frames
    if layout and layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r} of ckplus; accepted: {', '.join(LAYOUTS)}")
    found = survey(root)
    place = choose(found, layout)
    if frames not in (accepted := POLICIES[place.layout]):
        raise ValueError(
            f"the frames {frames!r} need a layout that tells them: {_WHY_NOT[place.layout]}, and "
            f"{found.root} was read as {place.layout}; accepted there: {', '.join(accepted)}. "
            "Or name an official release."
        )
    names = _classes(classes, layout=place.layout)
    reader = _from_container if place.layout in ("h5", "csv") else _from_clips
    table = reader(found, place, frames=frames, classes=names)
    if not table.samples:
        listed = "; ".join((*table.notes, *(f"{fault.where}: {fault.what}" for fault in table.anomalies[:3])))
        raise ValueError(
            f"no usable images in {found.root} under the policy {frames!r} and the classes "
            f"{', '.join(names)} ({listed}). Copy it anew, or name other classes. {OBTAIN}"
        )
    return replace(table, anomalies=tuple(dict.fromkeys((*found.tree.anomalies, *table.anomalies))))


def _classes(asked: Sequence[str], *, layout: str) -> tuple[str, ...]:
    """The classes asked for, or the usual ones; raises ValueError where the layout does not know one."""
    if NEUTRAL in asked and layout != "csv":
        raise ValueError(
            f"the class {NEUTRAL} is in ckextended.csv alone, and the layout read is {layout}: "
            "leave it out, or name the layout csv."
        )
    accepted = CSV_CLASSES if layout == "csv" else CLASSES
    return chosen(asked, usual=USUAL, accepted=accepted, dataset="ckplus")


def _from_clips(found: Survey, place: Place, *, frames: str, classes: tuple[str, ...]) -> SampleTable:
    """The table of a layout that tells sequences."""
    if place.layout == "ck48":
        release = ckplus_48.read(found.tree, place.path)
    else:
        assert place.labels is not None
        release = ckplus_official.read(found.tree, place.path, labels=place.labels)
    clips = [clip for clip in release.clips if clip.emotion in classes]
    samples = [sample for clip in clips for sample in _samples(clip, frames=frames, classes=classes)]
    complete = tuple(SEQUENCES[name] for name in classes)
    return SampleTable(
        dataset="ckplus",
        frames=frames,
        classes=classes,
        samples=tuple(sorted(samples, key=lambda sample: (sample.subject, sample.clip, sample.frame))),
        anomalies=release.anomalies,
        notes=(
            place.note,
            *release.notes,
            *_set_aside((clip.emotion for clip in release.clips), classes=classes, what="sequences"),
            f"frames: {len(samples)}, of {len(clips)} sequences",
            *_printed(samples, frames=frames, classes=classes),
        ),
        layout=place.layout,
        aligned=place.layout == "ck48",
        complete_clips=complete,
        complete_samples=tuple(count * _LAST[frames] for count in complete) if _LAST[frames] else (),
        usual_folds=USUAL_FOLDS,
    )


def _samples(clip: Clip, *, frames: str, classes: tuple[str, ...]) -> list[Sample]:
    """The frames of a sequence that a policy takes."""
    numbers = list(clip.frames)
    first, peak = numbers[0], numbers[-1]
    # Only frame 1 is the neutral face that a sequence starts from; a later one already shows something.
    neutral = clip.whole and first == 1
    onset = Picture(clip.frames[first]) if neutral else None
    roles = {**({first: "onset"} if neutral else {}), peak: "apex"}
    return [
        Sample(
            id=f"{clip.name}/{number}",
            path=clip.frames[number],
            label=classes.index(clip.emotion),
            subject=clip.subject,
            clip=clip.name,
            frame=number,
            role=roles.get(number, ""),
            onset=onset,
        )
        for number in numbers[-_LAST[frames] :]
    ]


def _from_container(found: Survey, place: Place, *, frames: str, classes: tuple[str, ...]) -> SampleTable:
    """The table of a container, whose rows tell neither subjects nor sequences."""
    # h5py takes its time to load, and few need it.
    from datasets.ckplus.packed import read_csv, read_h5

    reader = read_h5 if place.layout == "h5" else read_csv
    rows = reader(place.path, where=found.tree.relative(place.path))
    samples = tuple(
        Sample(
            id=f"{place.layout}/{row}",
            path=str(place.path),
            label=classes.index(emotion),
            subject="",
            clip="",
            frame=row,
            item=row,
        )
        for row, emotion in rows.emotions
        if emotion in classes
    )
    return SampleTable(
        dataset="ckplus",
        frames=frames,
        classes=classes,
        samples=samples,
        anomalies=rows.anomalies,
        notes=(
            place.note,
            *rows.notes,
            *_set_aside((emotion for _, emotion in rows.emotions), classes=classes, what="rows"),
            f"frames: {len(samples)}, of subjects and sequences that are not told",
            *(_printed(samples, frames=frames, classes=classes) if place.layout == "h5" else ()),
        ),
        layout=place.layout,
        complete_samples=tuple(3 * SEQUENCES[name] for name in classes) if place.layout == "h5" else (),
    )


def _set_aside(emotions: Iterable[str], *, classes: tuple[str, ...], what: str) -> list[str]:
    """A note for each class that is there but not among those chosen."""
    counts = Counter(emotions)
    return [
        f"{name}: {counts[name]} {what}, left out as none of the classes chosen"
        for name in sorted(counts)
        if name not in classes
    ]


def _printed(samples: Sequence[Sample], *, frames: str, classes: tuple[str, ...]) -> list[str]:
    """A note on the one class in which a complete release differs from the paper's Table 2."""
    happy = classes.index("happy") if "happy" in classes else -1
    count = sum(sample.label == happy for sample in samples)
    if frames != "last3" or count != 3 * SEQUENCES["happy"]:
        return []
    return [f"happy: {count} frames, as in a complete release; the paper's Table 2 has 206"]
