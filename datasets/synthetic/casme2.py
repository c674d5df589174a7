"""Writing of a synthetic CASME II: one of the four layouts, the coding sheet and, optionally, the quirks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from datasets.synthetic import junk_files
from datasets.synthetic.casme2_plan import ClipPlan, plan_clips
from datasets.synthetic.casme2_quirks import ClipFolder, ReleasePlan, with_release_quirks, without_quirks
from datasets.synthetic.clip_writer import RenderJob, sample_cropped_view, sample_raw_view
from datasets.synthetic.coding_sheet import write_objective_classes, write_sheet
from datasets.synthetic.layouts import LAYOUTS
from datasets.synthetic.parallel_writer import write_clips
from datasets.synthetic.rendering.identity import sample_identity
from datasets.synthetic.spec import SyntheticSpec


def write_casme2(
    spec: SyntheticSpec,
    root: Path,
    *,
    progress: Callable[[int, int], None],
    arrange: Callable[[SyntheticSpec, Sequence[ClipPlan]], tuple[ClipPlan, ...]] | None = None,
) -> None:
    """Write the set into the empty folder `root`; `arrange` changes the planned clips.

    With quirks, each layout's folder lies in another folder of the same name, and the subject folders of
    CASME2_RAW_selected are named `1` instead of `sub01`.
    """
    clips = plan_clips(
        subjects=spec.subject_count,
        clips=spec.clip_count,
        frames=spec.frames,
        balance=spec.balance,
        seed=spec.seed,
        emotions_per_subject=spec.emotions_per_subject,
    )
    if arrange:
        clips = arrange(spec, clips)
    release = (
        with_release_quirks(clips, subjects=spec.subject_count) if spec.quirks else without_quirks(clips)
    )
    sheet = write_sheet(release.rows, root, form=spec.sheet_form)
    write_clips(tuple(plan_casme2_jobs(spec, release, root)), progress)
    if spec.quirks:
        _add_junk_files(spec, release, sheet)


def plan_casme2_jobs(spec: SyntheticSpec, release: ReleasePlan, root: Path) -> Iterator[RenderJob]:
    """Yield the render job of each clip in each layout."""
    layouts = (spec.layout, "casme2-raw") if spec.raw else (spec.layout,)
    people = {
        subject: sample_identity((spec.seed, 1, subject), spread=spec.identity)
        for subject in range(1, spec.subject_count + 1)
    }
    for index, clip_folder in enumerate(release.folders):
        for layout in layouts:
            clip, is_cropped = clip_folder.clip, layout == "casme2"
            person = people[clip.subject]
            folder = _release_folder(spec, root, layout) / _subject_folder(spec, clip.subject, layout)
            is_video = layout == "casme2-compressed"
            yield RenderJob(
                clip=clip,
                person=person,
                view=sample_cropped_view(person, (spec.seed, 2, index))
                if is_cropped
                else sample_raw_view((spec.seed, 4, index)),
                frame_numbers=_select_frames(clip_folder, layout),
                amplitude=spec.amplitude,
                folder=folder if is_video else folder / clip.name,
                prefix=clip.name if is_video else "reg_img" if is_cropped else "img",
                seed=(spec.seed, 3 if is_cropped else 5, index),
                extension="avi" if is_video else "jpg",
            )


def _select_frames(clip_folder: ClipFolder, layout: str) -> range:
    """Return the frames from the onset to the clip's last frame, or those of the whole recording.

    The recording starts at frame 1, continues past the offset, and is never truncated.
    """
    clip = clip_folder.clip
    if layout in ("casme2", "casme2-raw-selected"):
        return range(clip.onset, clip_folder.last_frame + 1)
    return range(1, clip.offset + max(3, (clip.offset - clip.onset) // 3) + 1)


def _release_folder(spec: SyntheticSpec, root: Path, layout: str) -> Path:
    name = LAYOUTS[layout].folder
    return root / name / name if spec.quirks else root / name


def _subject_folder(spec: SyntheticSpec, subject: int, layout: str) -> str:
    is_renamed = spec.quirks and layout == "casme2-raw-selected"
    return str(subject) if is_renamed else f"sub{subject:02d}"


def _add_junk_files(spec: SyntheticSpec, release: ReleasePlan, sheet: Path) -> None:
    """Add junk files as in the copies, and the workbook of objective classes next to an .xlsx sheet."""
    folder = _release_folder(spec, sheet.parent, spec.layout)
    first_subject = folder / _subject_folder(spec, 1, spec.layout)
    if sheet.suffix == ".xlsx":
        write_objective_classes(release.rows, sheet.parent)
    junk_files.write_lock_file(sheet)
    junk_files.write_apple_double(sheet)
    for parent in (sheet.parent, folder, first_subject):
        junk_files.write_ds_store(parent)
    junk_files.write_shortcut(first_subject)
    clip_path = min(path for path in first_subject.iterdir() if path.name.startswith("EP"))
    junk_files.write_thumbs_db(clip_path if clip_path.is_dir() else first_subject)
    if clip_path.is_dir():
        junk_files.write_apple_double(min(clip_path.glob("*img*.jpg")))
