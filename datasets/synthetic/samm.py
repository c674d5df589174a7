"""Writing of a synthetic SAMM: gray camera images, the coding sheet in either edition, and the quirks.

With quirks, the folder lies in another of the same name, frame numbers of some clips have four digits, and
two rows have the unusable apexes of the release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.samm.constants import CLIP_COUNTS, DEFAULT_CLASSES, OTHER
from datasets.synthetic import junk_files
from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.clip_writer import RenderJob, sample_raw_view
from datasets.synthetic.coding_sheet import lookup_objective_class
from datasets.synthetic.layouts import SAMM_SHEETS
from datasets.synthetic.parallel_writer import write_clips
from datasets.synthetic.rendering.identity import sample_identity
from datasets.synthetic.sheet_plan import assign_emotions, confine_emotions, plan_clip
from datasets.synthetic.spec import SyntheticSpec
from datasets.synthetic.workbook import RowCells, encode_workbook

FIRST_SUBJECT = 6
"""Number of the first subject, 006 as in the release."""

QUIRK_APEXES = {(28, "028_4_1"): "after the offset", (32, "032_3_1"): "before the onset"}
"""Clips whose apex in the sheet is not between onset and offset."""

_HEADER: RowCells = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)
_TITLE_ROWS = 13
_LENGTHS = (30, 100)
_NUM_VIDEOS = 7


def write_samm(spec: SyntheticSpec, root: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write the set into the empty folder `root`."""
    clips = plan_samm(spec)
    sheet = root / SAMM_SHEETS[spec.sheet_form]
    sheet.write_bytes(encode_samm_sheet(clips, form=spec.sheet_form, quirks=spec.quirks))
    folder = root / "SAMM" / "SAMM" if spec.quirks else root / "SAMM"
    write_clips(tuple(plan_samm_jobs(spec, clips, folder)), progress)
    if spec.quirks:
        junk_files.write_lock_file(sheet)
        for parent in (root, folder, min(path for path in folder.iterdir() if path.is_dir())):
            junk_files.write_ds_store(parent)


def plan_samm(spec: SyntheticSpec) -> tuple[ClipPlan, ...]:
    """Return all clips, sorted by subject and name.

    A set of the release's size has one subject who shows "other" alone, so 28 subjects of 29 show one of the
    seven emotions.
    """
    rng = np.random.default_rng((spec.seed, 10))
    counts = CLIP_COUNTS if spec.clip_count >= len(CLIP_COUNTS) else _without_other()
    emotions_by_subject = assign_emotions(
        counts,
        subjects=spec.subject_count,
        clips=spec.clip_count,
        balanced_classes=DEFAULT_CLASSES if spec.balance else (),
        rng=rng,
    )
    if spec.is_full_size:
        emotions_by_subject = confine_emotions(emotions_by_subject, num_outsiders=1, classes=DEFAULT_CLASSES)
    clips = []
    for subject, emotions in enumerate(emotions_by_subject, start=FIRST_SUBJECT):
        for index, emotion in enumerate(emotions):
            name = f"{subject:03d}_{index % _NUM_VIDEOS + 1}_{index // _NUM_VIDEOS + 1}"
            clips.append(
                plan_clip(
                    subject=subject,
                    name=name,
                    emotion=emotion,
                    frames=spec.frames,
                    first_frame=int(rng.integers(1000, 9000)),
                    lengths=_LENGTHS,
                    rng=rng,
                )
            )
    if spec.quirks:
        clips = _rename_quirk_clips(clips, subjects=spec.subject_count)
    return tuple(sorted(clips, key=lambda clip: (clip.subject, clip.name)))


def _without_other() -> dict[str, int]:
    return {name: CLIP_COUNTS[name] for name in DEFAULT_CLASSES}


def _rename_quirk_clips(clips: Sequence[ClipPlan], *, subjects: int) -> list[ClipPlan]:
    """Give the clips of `QUIRK_APEXES` their names; a smaller set gives them to other subjects."""
    renamed, names = list(clips), {name for _, name in QUIRK_APEXES}
    for subject, name in QUIRK_APEXES:
        owner = (subject - FIRST_SUBJECT) % subjects + FIRST_SUBJECT
        if any(clip.name == name for clip in renamed):
            continue
        own = [
            index for index, clip in enumerate(renamed) if clip.subject == owner and clip.name not in names
        ]
        index = next((index for index in own if renamed[index].emotion != OTHER), own[0])
        renamed[index] = replace(renamed[index], name=name)
    return renamed


def plan_samm_jobs(spec: SyntheticSpec, clips: Sequence[ClipPlan], folder: Path) -> Iterator[RenderJob]:
    """Yield the render job of each clip: its frames from onset to offset."""
    for index, clip in enumerate(clips):
        person = sample_identity((spec.seed, 11, clip.subject), spread=spec.identity)
        yield RenderJob(
            clip=clip,
            person=person,
            view=sample_raw_view((spec.seed, 12, index)),
            frame_numbers=range(clip.onset, clip.offset + 1),
            amplitude=spec.amplitude,
            folder=folder / f"{clip.subject:03d}" / clip.name,
            prefix=f"{clip.subject:03d}_",
            seed=(spec.seed, 13, index),
            digits=4 if spec.quirks and index % 3 == 0 else 5,
            grayscale=True,
        )


def encode_samm_sheet(clips: Sequence[ClipPlan], *, form: str, quirks: bool) -> bytes:
    """Return the workbook; only form "v2" has titles above the header, which is then in row 14."""
    titles: list[RowCells] = [("SAMM Micro-Movement FACS codes",), *[(None,)] * (_TITLE_ROWS - 1)]
    rows = [*(titles if form == "v2" else []), _HEADER]
    rows += [_make_cells(clip, as_text=form == "v2", quirks=quirks) for clip in clips]
    return encode_workbook({"MICRO_ONLY": rows, "MACRO": ()}, timestamp=(2018, 12, 15, 0, 0, 0))


def _make_cells(clip: ClipPlan, *, as_text: bool, quirks: bool) -> RowCells:
    quirk = QUIRK_APEXES.get((int(clip.name[:3]), clip.name), "") if quirks else ""
    apex = clip.offset + 10 if quirk.startswith("after") else clip.onset // 3 if quirk else clip.apex
    return (
        f"{clip.subject:03d}" if as_text else clip.subject,
        clip.name,
        int(clip.name.split("_")[1]),
        clip.onset,
        apex,
        clip.offset,
        clip.offset - clip.onset + 1,
        "Micro - 1/2" if clip.offset - clip.onset < 100 else "Micro",
        clip.action_units,
        clip.emotion.capitalize(),
        lookup_objective_class(clip.action_units),
        None,
    )
