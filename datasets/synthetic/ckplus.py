"""Writing of a synthetic CK+: as released, as CK+48, or packed into one file; optionally with quirks.

With quirks, CK+48 lies in `ck/`, and three of its classes have other names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets.ckplus.constants import SEQUENCE_COUNTS
from datasets.synthetic import junk_files
from datasets.synthetic.ckplus_official import write_official
from datasets.synthetic.ckplus_packed import write_csv, write_h5
from datasets.synthetic.ckplus_plan import (
    SequencePlan,
    make_subject_ids,
    plan_sequences,
    sample_identities,
)
from datasets.synthetic.clip_writer import RenderJob, sample_tight_view
from datasets.synthetic.parallel_writer import write_clips
from datasets.synthetic.spec import POSED_SCALE, SyntheticSpec

RENAMED_CLASSES = {"anger": "angry", "happy": "happiness", "sadness": "sad"}

_CK48_SIZE = 48


def write_ckplus(spec: SyntheticSpec, root: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write the set into the empty folder `root`."""
    sequences = plan_sequences(
        ids=make_subject_ids(spec.subject_count, from_release=spec.quirks),
        unlabelled_subject_count=spec.unlabelled_subject_count,
        labelled_count=spec.clip_count,
        unlabelled_count=spec.unlabelled_count,
        frames=spec.frames,
        seed=spec.seed,
    )
    if spec.layout == "ck-official":
        write_official(spec, sequences, root, progress=progress)
    elif spec.layout == "ck48":
        folder = root / "ck" / "CK+48" if spec.quirks else root / "CK+48"
        names = RENAMED_CLASSES if spec.quirks else {}
        folders = {emotion: folder / names.get(emotion, emotion) for emotion in SEQUENCE_COUNTS}
        write_clips(tuple(_plan_small_jobs(spec, sequences, folders)), progress)
        if spec.quirks:
            for emotion in ("anger", "surprise"):
                junk_files.write_ds_store(folders[emotion])
                junk_files.write_thumbs_db(folders[emotion])
            junk_files.write_apple_double(min(folders["anger"].glob("S*.png")))
    else:
        _write_packed(spec, sequences, root, progress=progress)
    if spec.quirks:
        junk_files.write_ds_store(root)


def _write_packed(
    spec: SyntheticSpec,
    sequences: Sequence[SequencePlan],
    root: Path,
    *,
    progress: Callable[[int, int], None],
) -> None:
    """Render the small images into a temporary folder and pack them into the layout's single file."""
    path = root / spec.layout_info.folder
    with TemporaryDirectory(dir=root.parent) as temp_dir:
        folders = {emotion: Path(temp_dir) / (emotion or "neutral") for emotion in (*SEQUENCE_COUNTS, "")}
        write_clips(tuple(_plan_small_jobs(spec, sequences, folders)), progress)
        if spec.layout == "ck-h5":
            write_h5(path, folders)
        else:
            write_csv(path, sequences, folders, seed=(spec.seed, 12))


def _plan_small_jobs(
    spec: SyntheticSpec, sequences: Sequence[SequencePlan], folders: dict[str, Path]
) -> Iterator[RenderJob]:
    """Yield the jobs for the last three frames of the labelled sequences.

    For ckextended.csv, yield jobs for the first frame of every sequence and the last of the labelled ones.
    """
    people = sample_identities(sequences, seed=spec.seed, spread=spec.identity)
    for index, sequence in enumerate(sequences):
        person, last = people[sequence.subject], sequence.length
        frame_numbers: Sequence[int] = range(last - 2, last + 1)
        if spec.layout == "ck-csv":
            frame_numbers = (1, last) if sequence.emotion else (1,)
        yield RenderJob(
            clip=sequence.clip_plan,
            person=person,
            view=sample_tight_view(person, (spec.seed, 10, index)),
            frame_numbers=frame_numbers,
            amplitude=POSED_SCALE * spec.amplitude,
            folder=folders[sequence.emotion],
            prefix=f"{sequence.name}_",
            seed=(spec.seed, 11, index),
            digits=8,
            extension="png",
            grayscale=True,
            output_size=_CK48_SIZE,
        )
