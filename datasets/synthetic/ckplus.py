"""A planned CK+ written as released, as CK+48, or packed into one file, with its oddities if asked.

With quirks CK+48 lies in `ck/` with three classes under other names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets.synthetic import junk
from datasets.synthetic.film import Take, tight_view
from datasets.synthetic.official import write_official
from datasets.synthetic.packed import write_csv, write_h5
from datasets.synthetic.sequences import CK_COUNTS, PosedSequence, draw_people, plan_sequences, subject_ids
from datasets.synthetic.spec import POSED, SyntheticSpec
from datasets.synthetic.studio import film_all

RENAMED_CLASSES = {"anger": "angry", "happy": "happiness", "sadness": "sad"}

_SMALL = 48


def write_ckplus(spec: SyntheticSpec, tree: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write the set into the empty folder `tree`."""
    sequences = plan_sequences(
        ids=subject_ids(spec.subject_count, released=spec.quirks),
        silent=spec.silent_count,
        labelled=spec.clip_count,
        unlabelled=spec.unlabelled_count,
        frames=spec.frames,
        seed=spec.seed,
    )
    if spec.layout == "ck-official":
        write_official(spec, sequences, tree, progress=progress)
    elif spec.layout == "ck48":
        folder = tree / "ck" / "CK+48" if spec.quirks else tree / "CK+48"
        names = RENAMED_CLASSES if spec.quirks else {}
        folders = {emotion: folder / names.get(emotion, emotion) for emotion in CK_COUNTS}
        film_all(tuple(_small_takes(spec, sequences, folders)), progress)
        if spec.quirks:
            for emotion in ("anger", "surprise"):
                junk.ds_store(folders[emotion])
                junk.thumbs(folders[emotion])
            junk.apple_double(min(folders["anger"].glob("S*.png")))
    else:
        _write_packed(spec, sequences, tree, progress=progress)
    if spec.quirks:
        junk.ds_store(tree)


def _write_packed(
    spec: SyntheticSpec,
    sequences: Sequence[PosedSequence],
    tree: Path,
    *,
    progress: Callable[[int, int], None],
) -> None:
    """Draw the small images aside and pack them into the layout's one file."""
    path = tree / spec.form.folder
    with TemporaryDirectory(dir=tree.parent) as aside:
        folders = {emotion: Path(aside) / (emotion or "neutral") for emotion in (*CK_COUNTS, "")}
        film_all(tuple(_small_takes(spec, sequences, folders)), progress)
        if spec.layout == "ck-h5":
            write_h5(path, folders)
        else:
            write_csv(path, sequences, folders, seed=(spec.seed, 12))


def _small_takes(
    spec: SyntheticSpec, sequences: Sequence[PosedSequence], folders: dict[str, Path]
) -> Iterator[Take]:
    """The last three frames of labelled sequences; for ckextended.csv their last and everyone's first."""
    people = draw_people(sequences, seed=spec.seed, spread=spec.identity)
    for row, sequence in enumerate(sequences):
        person, last = people[sequence.subject], sequence.length
        frames: Sequence[int] = range(last - 2, last + 1)
        if spec.layout == "ck-csv":
            frames = (1, last) if sequence.emotion else (1,)
        yield Take(
            clip=sequence.clip,
            person=person,
            view=tight_view(person, (spec.seed, 10, row)),
            frames=frames,
            amplitude=POSED * spec.amplitude,
            folder=folders[sequence.emotion],
            prefix=f"{sequence.name}_",
            seed=(spec.seed, 11, row),
            digits=8,
            form="png",
            grey=True,
            side=_SMALL,
        )
