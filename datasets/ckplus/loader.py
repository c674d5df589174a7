"""Load CK+, in any layout, as one sample table under a frame policy.

Zhang et al. take the last three frames of each labeled sequence and leave contempt out. Their Table 2 counts
206 frames of happy, which is not a multiple of three; a complete release has 207.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from datasets.ckplus import ck48 as ckplus_48
from datasets.ckplus import official as ckplus_official
from datasets.ckplus.clips import CkplusClip
from datasets.ckplus.constants import (
    ACCESS_INSTRUCTIONS,
    CLASSES,
    CSV_CLASSES,
    DEFAULT_CLASSES,
    FRAME_POLICIES,
    LAYOUTS,
    NEUTRAL,
    POLICIES_BY_LAYOUT,
    SEQUENCE_COUNTS,
    STANDARD_FOLDS,
)
from datasets.ckplus.release_search import LayoutChoice, ReleaseSearch, choose_layout, search_releases
from datasets.class_selection import select_classes
from datasets.errors import DatasetError
from datasets.spec import ImageRef, Sample, SampleTable
from datasets.text import pluralize

__all__ = ["ACCESS_INSTRUCTIONS", "CLASSES", "DEFAULT_CLASSES", "FRAME_POLICIES", "LAYOUTS", "load"]

# Number of frames taken from the end of a sequence; the slice [-0:] takes all.
_NUM_LAST_FRAMES = {"last3": 3, "peak": 1, "all": 0}
_LAYOUT_LIMITS = {
    "ck48": "CK+48 holds only the last three frames of a sequence",
    "h5": "the rows of CK_data.h5 do not name their sequence",
    "csv": "the rows of ckextended.csv do not name their sequence",
}


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the release below `root`, or the container `root`, under a frame policy, one of `FRAME_POLICIES`.

    `classes` () selects the default six. `layout` is one of `LAYOUTS`; "" selects the first one present.
    Samples are ordered by subject, clip and frame, or by row. `anomalies` lists every defect of the data.

    Raises:
        DatasetError: No release, or several, were found; the layout is unknown, absent, or does not support
            the policy or a class; the data cannot be read; or no image is usable.
    """
    assert frame_policy in FRAME_POLICIES, frame_policy
    if layout and layout not in LAYOUTS:
        raise DatasetError(
            "ckplus-layout.unknown", f"unknown layout {layout!r} of ckplus; accepted: {', '.join(LAYOUTS)}"
        )
    search = search_releases(root)
    choice = choose_layout(search, layout)
    if frame_policy not in (policies := POLICIES_BY_LAYOUT[choice.layout]):
        raise DatasetError(
            "ckplus-frame-policy.layout",
            f"the frames {frame_policy!r} need another layout: {_LAYOUT_LIMITS[choice.layout]}, and "
            f"{search.root} was read as {choice.layout}; accepted there: {', '.join(policies)}. "
            "Use one of these, or an official release.",
        )
    class_names = _check_classes(classes, layout=choice.layout)
    build_table = _build_container_table if choice.layout in ("h5", "csv") else _build_clip_table
    table = build_table(search, choice, frame_policy=frame_policy, classes=class_names)
    if not table.samples:
        details = "; ".join(
            (*table.notes, *(f"{anomaly.location}: {anomaly.description}" for anomaly in table.anomalies[:3]))
        )
        raise DatasetError(
            "ckplus.no-images",
            f"no usable images in {search.root} under the policy {frame_policy!r} and the classes "
            f"{', '.join(class_names)} ({details}). Copy the release again, or name other classes. "
            f"{ACCESS_INSTRUCTIONS}",
        )
    return replace(table, anomalies=tuple(dict.fromkeys((*search.tree.anomalies, *table.anomalies))))


def _check_classes(names: Sequence[str], *, layout: str) -> tuple[str, ...]:
    """Return the selected classes, or the default ones; raise DatasetError if the layout lacks a class."""
    if NEUTRAL in names and layout != "csv":
        raise DatasetError(
            "ckplus-neutral.layout",
            f"the class {NEUTRAL} is in ckextended.csv alone, and the layout read is {layout}: "
            "leave it out, or name the layout csv.",
        )
    choices = CSV_CLASSES if layout == "csv" else CLASSES
    return select_classes(names, default=DEFAULT_CLASSES, choices=choices, dataset="ckplus")


def _build_clip_table(
    search: ReleaseSearch, choice: LayoutChoice, *, frame_policy: str, classes: tuple[str, ...]
) -> SampleTable:
    """Build the table of a layout that names sequences."""
    if choice.layout == "ck48":
        release = ckplus_48.read_ck48(search.tree, choice.path)
    else:
        assert choice.labels is not None
        release = ckplus_official.read_official(search.tree, choice.path, labels=choice.labels)
    clips = [clip for clip in release.clips if clip.emotion in classes]
    samples = [
        sample for clip in clips for sample in _make_samples(clip, frame_policy=frame_policy, classes=classes)
    ]
    sequence_counts = tuple(SEQUENCE_COUNTS[name] for name in classes)
    return SampleTable(
        dataset="ckplus",
        frame_policy=frame_policy,
        classes=classes,
        samples=tuple(sorted(samples, key=lambda sample: (sample.subject, sample.clip, sample.frame_number))),
        anomalies=release.anomalies,
        notes=(
            choice.note,
            *release.notes,
            *_describe_excluded_classes(
                (clip.emotion for clip in release.clips), classes=classes, unit="sequences"
            ),
            f"frames: {len(samples)}, of {len(clips)} sequences",
            *_describe_paper_count(samples, frame_policy=frame_policy, classes=classes),
        ),
        layout=choice.layout,
        is_aligned=choice.layout == "ck48",
        expected_clip_counts=sequence_counts,
        expected_sample_counts=tuple(count * _NUM_LAST_FRAMES[frame_policy] for count in sequence_counts)
        if _NUM_LAST_FRAMES[frame_policy]
        else (),
        standard_folds=STANDARD_FOLDS,
    )


def _make_samples(clip: CkplusClip, *, frame_policy: str, classes: tuple[str, ...]) -> list[Sample]:
    """Return the frames of a sequence that a policy selects."""
    numbers = list(clip.frames)
    first, peak = numbers[0], numbers[-1]
    # Only frame 1 is the neutral onset of a sequence; later frames already show some expression.
    has_neutral = clip.is_full_sequence and first == 1
    onset_ref = ImageRef(clip.frames[first]) if has_neutral else None
    roles = {**({first: "onset"} if has_neutral else {}), peak: "apex"}
    return [
        Sample(
            id=f"{clip.name}/{number}",
            path=clip.frames[number],
            label=classes.index(clip.emotion),
            subject=clip.subject,
            clip=clip.name,
            frame_number=number,
            role=roles.get(number, ""),
            onset_ref=onset_ref,
        )
        for number in numbers[-_NUM_LAST_FRAMES[frame_policy] :]
    ]


def _build_container_table(
    search: ReleaseSearch, choice: LayoutChoice, *, frame_policy: str, classes: tuple[str, ...]
) -> SampleTable:
    """Build the table of a container, whose rows name neither subjects nor sequences."""
    # h5py is slow to import, and few runs need it.
    from datasets.ckplus.containers import read_csv, read_h5

    read_rows = read_h5 if choice.layout == "h5" else read_csv
    rows = read_rows(choice.path, location=search.tree.relative_to_root(choice.path))
    samples = tuple(
        Sample(
            id=f"{choice.layout}/{row}",
            path=str(choice.path),
            label=classes.index(emotion),
            subject="",
            clip="",
            frame_number=row,
            frame_index=row,
        )
        for row, emotion in rows.emotions
        if emotion in classes
    )
    return SampleTable(
        dataset="ckplus",
        frame_policy=frame_policy,
        classes=classes,
        samples=samples,
        anomalies=rows.anomalies,
        notes=(
            choice.note,
            *rows.notes,
            *_describe_excluded_classes(
                (emotion for _, emotion in rows.emotions), classes=classes, unit="rows"
            ),
            f"frames: {len(samples)}, of unknown subjects and sequences",
            *(
                _describe_paper_count(samples, frame_policy=frame_policy, classes=classes)
                if choice.layout == "h5"
                else ()
            ),
        ),
        layout=choice.layout,
        expected_sample_counts=tuple(3 * SEQUENCE_COUNTS[name] for name in classes)
        if choice.layout == "h5"
        else (),
    )


def _describe_excluded_classes(emotions: Iterable[str], *, classes: tuple[str, ...], unit: str) -> list[str]:
    """Return a note for each class in the data that is not selected."""
    counts = Counter(emotions)
    return [
        f"{name}: {counts[name]} {unit}, left out: not among the selected classes"
        for name in sorted(counts)
        if name not in classes
    ]


def _describe_paper_count(
    samples: Sequence[Sample], *, frame_policy: str, classes: tuple[str, ...]
) -> list[str]:
    """Return a note on "happy", the only class whose complete count differs from the paper's Table 2."""
    happy_label = classes.index("happy") if "happy" in classes else -1
    count = sum(sample.label == happy_label for sample in samples)
    if frame_policy != "last3" or count != 3 * SEQUENCE_COUNTS["happy"]:
        return []
    return [f"happy: {pluralize(count, 'frame')}, as in a complete release; the paper's Table 2 has 206"]
