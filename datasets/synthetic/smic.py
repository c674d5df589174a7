"""Writing of a synthetic SMIC: the cropped or the raw high-speed release, the annotation, and the quirks.

With quirks, subjects and clips are spelled in two ways, the annotation lacks rows, one of its rows has
another class, and workbook and folders of the camera VIS hold one clip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.smic.constants import CLASS_CODES, CLASSES, CLIP_COUNTS
from datasets.synthetic import junk_files
from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.clip_writer import RenderJob, sample_cropped_view, sample_raw_view
from datasets.synthetic.layouts import SMIC_SHEETS
from datasets.synthetic.parallel_writer import write_clips
from datasets.synthetic.rendering.canvas import View
from datasets.synthetic.rendering.identity import Identity, sample_identity
from datasets.synthetic.sheet_plan import assign_emotions, plan_clip
from datasets.synthetic.spec import SyntheticSpec
from datasets.synthetic.workbook import RowCells, encode_workbook

SUBJECTS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
"""Numbers of the subjects with clips in the release."""

MISSING_ROWS = ("s01_ne_02", "s02_sur_05")
"""Clips without a row in the annotation of 162 rows; that of 157 lacks five more, of any name."""

RELABELED_CLIP = "s18_sur_03"
"""Clip that the annotation calls negative."""

_HEADER: RowCells = (
    "Subject",
    "Filename",
    "OnsetF",
    "OffsetF",
    "Onset2F",
    "Offset2F",
    "FirstF",
    "LastF",
    "TotalMF1",
    "TotalMF2",
    "TotalVL",
    "Emotion",
)
_LENGTHS = (11, 58)
_MARGIN = 3
_CODES = {name: code for code, name in CLASS_CODES.items()}


def write_smic(spec: SyntheticSpec, root: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write the set into the empty folder `root`."""
    clips = plan_smic(spec)
    sheet = root / SMIC_SHEETS[spec.sheet_form]
    sheet.write_bytes(encode_annotation(clips, form=spec.sheet_form, quirks=spec.quirks))
    folder = root / spec.layout_info.folder
    jobs = [*plan_smic_jobs(spec, clips, folder)]
    if spec.quirks and spec.layout == "smic":
        jobs += plan_smic_jobs(spec, clips[:1], folder.parent / "VIS")
    write_clips(jobs, progress)
    if spec.quirks:
        junk_files.write_lock_file(sheet)
        first_subject = min(path for path in folder.iterdir() if path.is_dir())
        for parent in (root, folder, first_subject):
            junk_files.write_ds_store(parent)
        junk_files.write_note(first_subject / "non_micro" / "readme.txt", "clips without an expression\n")


def plan_smic(spec: SyntheticSpec) -> tuple[ClipPlan, ...]:
    """Return all clips, sorted by subject and name. The names are in normal spelling, such as `s01_ne_02`."""
    rng = np.random.default_rng((spec.seed, 20))
    emotions_by_subject = assign_emotions(
        CLIP_COUNTS["hs"],
        subjects=spec.subject_count,
        clips=spec.clip_count,
        balanced_classes=CLASSES if spec.balance else (),
        rng=rng,
    )
    numbers = (*SUBJECTS, *(number for number in range(1, 100) if number not in SUBJECTS))
    clips = []
    for subject, emotions in zip(numbers, emotions_by_subject, strict=False):
        counts = Counter[str]()
        for emotion in emotions:
            counts[emotion] += 1
            clips.append(
                plan_clip(
                    subject=subject,
                    name=f"s{subject:02d}_{_CODES[emotion]}_{counts[emotion]:02d}",
                    emotion=emotion,
                    frames=spec.frames,
                    first_frame=int(rng.integers(10_000_000, 20_000_000)),
                    lengths=_LENGTHS,
                    rng=rng,
                )
            )
    return tuple(sorted(clips, key=lambda clip: (clip.subject, clip.name)))


def plan_smic_jobs(spec: SyntheticSpec, clips: Sequence[ClipPlan], folder: Path) -> Iterator[RenderJob]:
    """Yield the render job of each clip.

    A cropped clip holds the frames from onset to offset, a raw one some before and after them.
    """
    is_cropped = spec.layout == "smic"
    for index, clip in enumerate(clips):
        person = sample_identity((spec.seed, 21, clip.subject), spread=spec.identity)
        short = spec.quirks and clip.subject % 2 == 1
        subject = f"s{clip.subject}" if short else f"s{clip.subject:02d}"
        name = f"{subject}{clip.name[clip.name.index('_') :]}"
        margin = 0 if is_cropped else _MARGIN
        subject_folder = folder / subject
        yield RenderJob(
            clip=clip,
            person=person,
            view=_sample_small_view(person, (spec.seed, 22, index))
            if is_cropped
            else sample_raw_view((spec.seed, 23, index)),
            frame_numbers=range(clip.onset - margin, clip.offset + margin + 1),
            amplitude=spec.amplitude,
            folder=subject_folder / "micro" / clip.emotion / name if is_cropped else subject_folder / name,
            prefix="reg_image" if is_cropped else "image",
            seed=(spec.seed, 24, index),
            extension="bmp" if is_cropped else "jpg",
        )


def _sample_small_view(person: Identity, seed: tuple[int, ...]) -> View:
    """Sample a view of about 140 x 170 pixels filled by the face, like the released crops."""
    view = sample_cropped_view(person, seed)
    return replace(
        view,
        width=view.width // 2,
        height=view.height // 2,
        x=view.x / 2,
        y=view.y / 2,
        scale=view.scale / 2,
    )


def encode_annotation(clips: Sequence[ClipPlan], *, form: str, quirks: bool) -> bytes:
    """Return the workbook with the sheets HS and VIS; with quirks, it lacks the rows of some clips."""
    missing = set(MISSING_ROWS) if quirks else set()
    if quirks and form == "157":
        others = [clip.name for clip in clips if clip.name not in (*MISSING_ROWS, RELABELED_CLIP)]
        missing |= set(others[-5:])
    rows = [_make_cells(clip, quirks=quirks) for clip in clips if clip.name not in missing]
    vis_rows = [row[:7] + row[8:] for row in ([_HEADER, *rows[:1]] if quirks else [_HEADER])]
    return encode_workbook({"HS": [_HEADER, *rows], "VIS": vis_rows}, timestamp=(2014, 1, 15, 0, 0, 0))


def _make_cells(clip: ClipPlan, *, quirks: bool) -> RowCells:
    """Return the cells of a clip; with quirks, most emotions are formulas without a saved value."""
    emotion = "negative" if quirks and clip.name == RELABELED_CLIP else clip.emotion
    is_formula = quirks and clip.name != RELABELED_CLIP
    length = clip.offset - clip.onset + 1
    return (
        f"s{clip.subject}" if quirks else f"s{clip.subject:02d}",
        clip.name,
        clip.onset,
        clip.offset,
        None,
        None,
        clip.onset - _MARGIN,
        clip.offset + _MARGIN,
        length,
        None,
        length + 2 * _MARGIN,
        f'=IF(ISNUMBER(SEARCH("ne",B2)),"negative","{emotion}")' if is_formula else emotion,
    )
