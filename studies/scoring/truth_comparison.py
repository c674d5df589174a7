"""Compare the clips of a table with a truth list: missing and unknown clips, and other labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from datasets.megc2019.clip_names import ClipKey
from datasets.megc2019.constants import CLASSES
from datasets.megc2019.truth_list import TrueClip
from studies.prediction_files.table import ClipPrediction, PredictionTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthComparison:
    """Differences between the clips of a table and those of a truth list, as texts, one for each clip.

    Attributes:
        missing: Clips of the list without a prediction.
        unknown: Clips of the table that the list does not have.
        relabeled: Clips with another label in the list.
        num_listed: Number of clips of the list.
        relabeled_predictions: The predictions for the clips of the list, with its labels. () if the clips
            have no names.
    """

    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    relabeled: tuple[str, ...]
    num_listed: int
    relabeled_predictions: tuple[ClipPrediction, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether clips and labels agree."""
        return not (self.missing or self.unknown or self.relabeled)


def compare_with_truth(table: PredictionTable, truth_list: Mapping[ClipKey, TrueClip]) -> TruthComparison:
    """Compare a table with a truth list.

    The clips are compared by set, subject and clip. If the clips of the table have no names, only the number
    of clips of each label is compared by subject; a clip with another label then counts as unknown and
    missing.
    """
    if not table.has_clip_names:
        return _compare_counts(table, truth_list)
    predictions = {p.key: p for p in table.predictions}
    shared = [(predictions[key], true) for key, true in truth_list.items() if key in predictions]
    return TruthComparison(
        missing=tuple(_name_true_clip(true) for key, true in truth_list.items() if key not in predictions),
        unknown=tuple(_name_clip(p) for key, p in predictions.items() if key not in truth_list),
        relabeled=tuple(
            f"{_name_clip(p)}: {p.truth} instead of {true.label}"
            for p, true in shared
            if p.truth != true.label
        ),
        num_listed=len(truth_list),
        relabeled_predictions=tuple(replace(p, truth=true.label) for p, true in shared),
    )


def _compare_counts(table: PredictionTable, truth_list: Mapping[ClipKey, TrueClip]) -> TruthComparison:
    predicted = Counter((*p.key[:2], p.truth) for p in table.predictions)
    listed = Counter((*key[:2], true.label) for key, true in truth_list.items())
    return TruthComparison(
        missing=tuple(map(_name_group, (listed - predicted).items())),
        unknown=tuple(map(_name_group, (predicted - listed).items())),
        relabeled=(),
        num_listed=len(truth_list),
    )


def _name_clip(prediction: ClipPrediction) -> str:
    return f"{prediction.dataset} {prediction.subject} {prediction.clip}".strip()


def _name_true_clip(true: TrueClip) -> str:
    return f"{true.dataset} {true.subject} {true.clip}"


def _name_group(item: tuple[tuple[str, str, int], int]) -> str:
    (dataset, subject, label), count = item
    class_name = CLASSES[label] if label < len(CLASSES) else f"class {label}"
    return f"{dataset} {subject}: {count} {class_name}"
