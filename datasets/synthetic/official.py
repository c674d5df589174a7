"""CK+ as released: sequences from neutral to peak, and beside them labels, action units and landmarks.

With quirks it is nested as one of the copies in circulation, pictures differ in height and channels, and
sequences without a label have an empty folder for it or none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.synthetic import junk
from datasets.synthetic.film import Take, raw_view
from datasets.synthetic.sequences import CK_COUNTS, PosedSequence, draw_people
from datasets.synthetic.spec import POSED, SyntheticSpec
from datasets.synthetic.studio import film_all

FOLDERS = ("cohn-kanade-images", "Emotion", "FACS", "Landmarks")
NESTED_FOLDERS = (
    "extended-cohn-kanade-images/cohn-kanade-images",
    "Emotion_labels/Emotion",
    "FACS_labels/FACS",
    "Landmarks/Landmarks",
)

_HEIGHTS = (490, 480)


def write_official(
    spec: SyntheticSpec,
    sequences: Sequence[PosedSequence],
    tree: Path,
    *,
    progress: Callable[[int, int], None],
) -> None:
    """Write the four parts of the release into the empty folder `tree`."""
    images, emotions, facs, points = (tree / name for name in (NESTED_FOLDERS if spec.quirks else FOLDERS))
    people = draw_people(sequences, seed=spec.seed, spread=spec.identity)
    takes = tuple(
        Take(
            clip=sequence.clip,
            person=people[sequence.subject],
            view=raw_view((spec.seed, 7, row), height=_HEIGHTS[spec.quirks and row % 3 == 1]),
            frames=range(1, sequence.length + 1),
            amplitude=POSED * spec.amplitude,
            folder=_below(images, sequence),
            prefix=f"{sequence.name}_",
            seed=(spec.seed, 8, row),
            digits=8,
            form="png",
            grey=not (spec.quirks and row % 5 == 2),
            landmarks=_below(points, sequence),
        )
        for row, sequence in enumerate(sequences)
    )
    film_all(takes, progress)
    rng = np.random.default_rng((spec.seed, 9))
    for sequence in sequences:
        _write_units(sequence, _below(facs, sequence), rng)
        if sequence.emotion:
            _write_label(sequence, _below(emotions, sequence))
    if spec.quirks:
        for sequence in [found for found in sequences if not found.emotion][::2]:
            _below(emotions, sequence).mkdir(parents=True)
        _litter(images, emotions, sequences[0])


def _write_label(sequence: PosedSequence, folder: Path) -> None:
    """One line with the code of the emotion, under the name of the peak frame."""
    code = list(CK_COUNTS).index(sequence.emotion) + 1
    path = folder / f"{sequence.name}_{sequence.length:08d}_emotion.txt"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"   {code:.7e}\n", newline="\n")


def _write_units(sequence: PosedSequence, folder: Path, rng: np.random.Generator) -> None:
    """One line an action unit, with its intensity from 1 to 5 or 0 where it was not scored."""
    units = sorted({int(unit.lstrip("LR")) for unit in sequence.units.split("+")})
    scores = rng.integers(0, 6, size=len(units))
    lines = "".join(f"   {unit:.7e}   {score:.7e}\n" for unit, score in zip(units, scores, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sequence.name}_{sequence.length:08d}_facs.txt"
    path.write_text(lines, newline="\n")


def _litter(images: Path, emotions: Path, first: PosedSequence) -> None:
    """Junk and strays where the copies have them; `images` lies two levels below the root."""
    subject = _below(images, first).parent
    for place in (images.parent, images, subject, emotions):
        junk.ds_store(place)
    junk.thumbs(subject)
    junk.thumbs(_below(images, first))
    junk.note(images.parent.parent / "ReadMeCohnKanadeDatabase_website.txt", "A stray file at the root.\n")
    junk.note(subject / "notes.txt", "A stray file of a subject.\n")
    picture = min(_below(images, first).glob("*.png"))
    (subject / f"Copy of {picture.name}").write_bytes(picture.read_bytes())
    junk.apple_double(min(emotions.rglob("S*_emotion.txt")))


def _below(folder: Path, sequence: PosedSequence) -> Path:
    return folder / f"S{sequence.subject:03d}" / f"{sequence.number:03d}"
