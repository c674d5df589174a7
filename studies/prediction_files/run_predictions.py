"""Predictions of a run as predictions of clips, with the set, subject and name of each clip."""

from __future__ import annotations

from collections.abc import Iterable

from datasets.megc2019.clip_names import split_part
from studies.prediction_files.table import ClipPrediction
from studies.results import Prediction


def convert_predictions(units: Iterable[Prediction], *, dataset: str) -> tuple[ClipPrediction, ...]:
    """Convert predictions for evaluation units, whose ids are the names of clips or frames.

    A unit of a composite gets the set that its subject's name starts with.
    """
    return tuple(_convert(unit, dataset=dataset) for unit in units)


def _convert(unit: Prediction, *, dataset: str) -> ClipPrediction:
    part, subject = split_part(dataset, unit.subject)
    return ClipPrediction(
        dataset=part,
        subject=subject,
        clip=unit.id.removeprefix(f"{unit.subject}/"),
        truth=unit.truth,
        predicted_class=unit.predicted_class,
    )
