"""CK+ as released: image sequences from neutral to peak, with labels, action units and landmarks.

With quirks, the folders are nested as in one of the copies in circulation, the images differ in height and
number of channels, and the label folder of an unlabelled sequence is empty or missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.ckplus.constants import SEQUENCE_COUNTS
from datasets.synthetic import junk_files
from datasets.synthetic.ckplus_plan import SequencePlan, sample_identities
from datasets.synthetic.clip_writer import RenderJob, sample_raw_view
from datasets.synthetic.parallel_writer import write_clips
from datasets.synthetic.spec import POSED_SCALE, SyntheticSpec

FOLDERS = ("cohn-kanade-images", "Emotion", "FACS", "Landmarks")
NESTED_FOLDERS = (
    "extended-cohn-kanade-images/cohn-kanade-images",
    "Emotion_labels/Emotion",
    "FACS_labels/FACS",
    "Landmarks/Landmarks",
)

_IMAGE_HEIGHTS = (490, 480)


def write_official(
    spec: SyntheticSpec,
    sequences: Sequence[SequencePlan],
    root: Path,
    *,
    progress: Callable[[int, int], None],
) -> None:
    """Write images, emotion labels, action units and landmarks into the empty folder `root`."""
    image_folder, emotion_folder, facs_folder, landmark_folder = (
        root / name for name in (NESTED_FOLDERS if spec.quirks else FOLDERS)
    )
    people = sample_identities(sequences, seed=spec.seed, spread=spec.identity)
    jobs = tuple(
        RenderJob(
            clip=sequence.clip_plan,
            person=people[sequence.subject],
            view=sample_raw_view(
                (spec.seed, 7, index), height=_IMAGE_HEIGHTS[spec.quirks and index % 3 == 1]
            ),
            frame_numbers=range(1, sequence.length + 1),
            amplitude=POSED_SCALE * spec.amplitude,
            folder=_sequence_folder(image_folder, sequence),
            prefix=f"{sequence.name}_",
            seed=(spec.seed, 8, index),
            digits=8,
            extension="png",
            grayscale=not (spec.quirks and index % 5 == 2),
            landmark_folder=_sequence_folder(landmark_folder, sequence),
        )
        for index, sequence in enumerate(sequences)
    )
    write_clips(jobs, progress)
    rng = np.random.default_rng((spec.seed, 9))
    for sequence in sequences:
        _write_action_units(sequence, _sequence_folder(facs_folder, sequence), rng)
        if sequence.emotion:
            _write_label(sequence, _sequence_folder(emotion_folder, sequence))
    if spec.quirks:
        for sequence in [candidate for candidate in sequences if not candidate.emotion][::2]:
            _sequence_folder(emotion_folder, sequence).mkdir(parents=True)
        _add_junk_files(image_folder, emotion_folder, sequences[0])


def _write_label(sequence: SequencePlan, folder: Path) -> None:
    """Write the emotion's code as one line into a file named after the peak frame."""
    code = list(SEQUENCE_COUNTS).index(sequence.emotion) + 1
    path = folder / f"{sequence.name}_{sequence.length:08d}_emotion.txt"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"   {code:.7e}\n", newline="\n")


def _write_action_units(sequence: SequencePlan, folder: Path, rng: np.random.Generator) -> None:
    """Write one line per action unit, with its intensity from 1 to 5, or 0 for not scored."""
    action_units = sorted({int(unit.lstrip("LR")) for unit in sequence.action_units.split("+")})
    scores = rng.integers(0, 6, size=len(action_units))
    lines = "".join(
        f"   {unit:.7e}   {score:.7e}\n" for unit, score in zip(action_units, scores, strict=True)
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sequence.name}_{sequence.length:08d}_facs.txt"
    path.write_text(lines, newline="\n")


def _add_junk_files(image_folder: Path, emotion_folder: Path, first_sequence: SequencePlan) -> None:
    """Add junk and stray files as in the copies. `image_folder` must be two levels below the root."""
    subject_folder = _sequence_folder(image_folder, first_sequence).parent
    for folder in (image_folder.parent, image_folder, subject_folder, emotion_folder):
        junk_files.write_ds_store(folder)
    junk_files.write_thumbs_db(subject_folder)
    junk_files.write_thumbs_db(_sequence_folder(image_folder, first_sequence))
    junk_files.write_note(
        image_folder.parent.parent / "ReadMeCohnKanadeDatabase_website.txt", "A stray file at the root.\n"
    )
    junk_files.write_note(subject_folder / "notes.txt", "A stray file of a subject.\n")
    image_path = min(_sequence_folder(image_folder, first_sequence).glob("*.png"))
    (subject_folder / f"Copy of {image_path.name}").write_bytes(image_path.read_bytes())
    junk_files.write_apple_double(min(emotion_folder.rglob("S*_emotion.txt")))


def _sequence_folder(folder: Path, sequence: SequencePlan) -> Path:
    return folder / f"S{sequence.subject:03d}" / f"{sequence.number:03d}"
