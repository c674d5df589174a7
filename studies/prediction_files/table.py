"""A table of predictions, one for each clip, from a file or from a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from datasets.io.text_file import TextLine
from datasets.megc2019.clip_names import ClipKey, build_clip_key
from datasets.megc2019.constants import CLASSES, SETS
from datasets.megc2019.labels import LABEL_REMEDY, LABEL_RULE, parse_label
from datasets.text import one_line
from studies.errors import StudyError

MAX_CLIPS = 10_000
"""Most clips of a file. The largest data set of the field has fewer."""

MAX_NAME_LENGTH = 100

SET_NOTE = "The sets follow from the subjects' names: sub01 is CASME II, s01 is SMIC, 006 is SAMM."

Lines = Sequence[TextLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPrediction:
    """True and predicted class of one clip, with its names as written.

    `dataset` and `subject` are "" if unknown. `line` is the line of the file, or None for a run.
    """

    dataset: str
    subject: str
    clip: str
    truth: int
    predicted_class: int
    line: TextLine | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> ClipKey:
        """Set, subject and clip in one spelling."""
        return build_clip_key(self.dataset, self.subject, self.clip)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionTable:
    """Predictions for distinct clips.

    Attributes:
        name: File or run, for readers.
        format: Name of the file format, or "run".
        predictions: One prediction for each clip.
        classes: Class names in label order.
        unit: "clips", or "frames" for a run under the protocol `frame`.
        has_clip_names: False if clips are known only by their position within their subject.
        repeats: Number of lines that repeat the prediction of an earlier line. They do not count.
        notes: How the table was read.
    """

    name: str
    format: str
    predictions: tuple[ClipPrediction, ...]
    classes: tuple[str, ...]
    unit: str = "clips"
    has_clip_names: bool = True
    repeats: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_challenge(self) -> bool:
        """Whether all clips are of the composite's sets and the classes are the composite's."""
        return self.classes == CLASSES and all(p.dataset in SETS for p in self.predictions)


def build_file_table(
    path: Path,
    predictions: Iterable[ClipPrediction],
    *,
    format_name: str,
    has_clip_names: bool = True,
    notes: tuple[str, ...] = (),
) -> PredictionTable:
    """Return the table of a file, whose predictions all have a line. A repeated prediction counts once.

    Raises:
        DatasetError: There is no prediction, or too many, or a clip has two predictions or two true classes.
    """
    distinct: dict[ClipKey, ClipPrediction] = {}
    total = 0
    for prediction in predictions:
        total += 1
        earlier = distinct.setdefault(prediction.key, prediction)
        if (earlier.truth, earlier.predicted_class) != (prediction.truth, prediction.predicted_class):
            assert prediction.line
            assert earlier.line
            raise prediction.line.build_error(
                "prediction-file.clip-of-several-classes",
                rule="a clip has one true and one predicted class, and line "
                f"{earlier.line.number} has others for clip {earlier.clip}",
                remedy="keep one line for each clip, and one training in each file",
            )
        if len(distinct) > MAX_CLIPS:
            raise StudyError(
                "prediction-file.too-many-clips",
                f"{path} has more than {MAX_CLIPS:,} clips: split the file by data set",
            )
    if not distinct:
        raise StudyError(
            "prediction-file.no-prediction",
            f"{path} has no prediction: name a file with one prediction for each clip",
        )
    clip_predictions = tuple(distinct.values())
    return PredictionTable(
        name=one_line(str(path)),
        format=format_name,
        predictions=clip_predictions,
        classes=_name_classes(clip_predictions),
        has_clip_names=has_clip_names,
        repeats=total - len(distinct),
        notes=notes,
    )


def _name_classes(predictions: Sequence[ClipPrediction]) -> tuple[str, ...]:
    """Return the composite's classes if labels and sets fit them, otherwise the numbers of the classes."""
    highest = max(max(p.truth, p.predicted_class) for p in predictions)
    if highest < len(CLASSES) and all(p.dataset in SETS for p in predictions):
        return CLASSES
    return tuple(map(str, range(highest + 1)))


def assign_sets(predictions: Sequence[ClipPrediction], sets: Mapping[str, str]) -> tuple[ClipPrediction, ...]:
    """Return the predictions with the set of each subject filled in; `sets` maps subjects to sets."""
    return tuple(replace(p, dataset=sets[p.subject]) if p.subject in sets else p for p in predictions)


def parse_class(line: TextLine, text: str, *, role: str) -> int:
    """Return the label in one field of a line; `role` names the field, such as "truth".

    Raises:
        DatasetError: The field is empty or holds no label.
    """
    if not text.strip():
        raise line.build_error(
            "prediction-file.no-class", rule=f"the {role} is missing", remedy=f"add the {role} of the clip"
        )
    label = parse_label(text)
    if label is None:
        raise line.build_error(
            "prediction-file.no-label", rule=f"{LABEL_RULE}, and the {role} is neither", remedy=LABEL_REMEDY
        )
    return label


def parse_name(line: TextLine, text: str) -> str:
    """Return a name in a line as printable text.

    Raises:
        DatasetError: The name is longer than `MAX_NAME_LENGTH`.
    """
    name = text.strip()
    if len(name) > MAX_NAME_LENGTH:
        raise line.build_error(
            "prediction-file.name-too-long",
            rule=f"a name has at most {MAX_NAME_LENGTH} characters, and one has {len(name)}",
            remedy="shorten the name",
        )
    return one_line(name)
