"""A planned CASME II written in any of its four layouts, with its sheet and, if asked, its oddities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from datasets.drawing.identity import draw_identity
from datasets.synthetic import junk
from datasets.synthetic.film import Take, cropped_view, raw_view
from datasets.synthetic.layouts import LAYOUTS
from datasets.synthetic.oddities import Release, Shown, oddly, orderly
from datasets.synthetic.plan import plan_clips
from datasets.synthetic.sheet import write_objective, write_sheet
from datasets.synthetic.spec import SyntheticSpec
from datasets.synthetic.studio import film_all


def write_casme2(spec: SyntheticSpec, tree: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write the set into the empty folder `tree`.

    With quirks each layout is nested in itself, and RAW selected has subjects renamed to `1`.
    """
    clips = plan_clips(
        subjects=spec.subject_count,
        clips=spec.clip_count,
        frames=spec.frames,
        balance=spec.balance,
        seed=spec.seed,
    )
    release = oddly(clips, subjects=spec.subject_count) if spec.quirks else orderly(clips)
    sheet = write_sheet(release.rows, tree, form=spec.sheet)
    film_all(tuple(_takes(spec, release, tree)), progress)
    if spec.quirks:
        _litter(spec, release, sheet)


def _takes(spec: SyntheticSpec, release: Release, tree: Path) -> Iterator[Take]:
    layouts = (spec.layout, "casme2-raw") if spec.raw else (spec.layout,)
    people = {
        subject: draw_identity((spec.seed, 1, subject), spread=spec.identity)
        for subject in range(1, spec.subject_count + 1)
    }
    for row, shown in enumerate(release.shown):
        for layout in layouts:
            clip, cropped = shown.clip, layout == "casme2"
            person = people[clip.subject]
            folder = _release_folder(spec, tree, layout) / _subject_folder(spec, clip.subject, layout)
            film = layout == "casme2-compressed"
            yield Take(
                clip=clip,
                person=person,
                view=cropped_view(person, (spec.seed, 2, row)) if cropped else raw_view((spec.seed, 4, row)),
                frames=_frames(shown, layout),
                amplitude=spec.amplitude,
                folder=folder if film else folder / clip.name,
                prefix=clip.name if film else "reg_img" if cropped else "img",
                seed=(spec.seed, 3 if cropped else 5, row),
                form="avi" if film else "jpg",
            )


def _frames(shown: Shown, layout: str) -> range:
    """Onset to the clip's end, or the whole recording, which runs on past the offset and is whole."""
    clip = shown.clip
    if layout in ("casme2", "casme2-raw-selected"):
        return range(clip.onset, shown.end + 1)
    return range(1, clip.offset + max(3, (clip.offset - clip.onset) // 3) + 1)


def _release_folder(spec: SyntheticSpec, tree: Path, layout: str) -> Path:
    name = LAYOUTS[layout].folder
    return tree / name / name if spec.quirks else tree / name


def _subject_folder(spec: SyntheticSpec, subject: int, layout: str) -> str:
    renamed = spec.quirks and layout == "casme2-raw-selected"
    return str(subject) if renamed else f"sub{subject:02d}"


def _litter(spec: SyntheticSpec, release: Release, sheet: Path) -> None:
    """Junk where the copies have it, and the workbook of objective classes beside the coding sheet's."""
    folder = _release_folder(spec, sheet.parent, spec.layout)
    first = folder / _subject_folder(spec, 1, spec.layout)
    if sheet.suffix == ".xlsx":
        write_objective(release.rows, sheet.parent)
    junk.lock_file(sheet)
    junk.apple_double(sheet)
    for place in (sheet.parent, folder, first):
        junk.ds_store(place)
    junk.shortcut(first)
    clip = min(path for path in first.iterdir() if path.name.startswith("EP"))
    junk.thumbs(clip if clip.is_dir() else first)
    if clip.is_dir():
        junk.apple_double(min(clip.glob("*img*.jpg")))
