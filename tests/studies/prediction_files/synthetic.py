"""Generated predictions in which UF1, UAR, accuracy and macro precision all differ, and their files."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby

from datasets.megc2019.constants import SETS
from studies.prediction_files.table import ClipPrediction, PredictionTable

SUBJECT_FORMS = {"casme2": "sub{:02}", "smic": "s{:02}", "samm": "{:03}"}


def make_predictions(*, seed: int = 0, subjects: int = 8, clips: int = 5) -> tuple[ClipPrediction, ...]:
    """Return predictions for `clips` clips of `subjects` subjects of each set.

    Class 0 is the most frequent and the best recognized, as in the composite.
    """
    rng = random.Random(seed)
    truths = random.Random(9)
    return tuple(
        ClipPrediction(
            dataset=dataset,
            subject=SUBJECT_FORMS[dataset].format(subject),
            clip=f"{SUBJECT_FORMS[dataset].format(subject)}_{clip:02}",
            truth=(truth := truths.choice((0, 0, 0, 1, 2))),
            predicted_class=truth if rng.random() < 0.9 - 0.25 * truth else rng.choice((0, 0, 1, 2)),
        )
        for dataset in SETS
        for subject in range(1, subjects + 1)
        for clip in range(1, clips + 1)
    )


def make_table(
    predictions: Sequence[ClipPrediction] | None = None, *, name: str = "a.txt"
) -> PredictionTable:
    """Return a table of predictions, by default those of `make_predictions`."""
    return PredictionTable(
        name=name,
        format="MEGC log",
        predictions=tuple(predictions or make_predictions()),
        classes=("negative", "positive", "surprise"),
    )


def format_subject_log(predictions: Sequence[ClipPrediction], *, role: str = "Predicted   ") -> str:
    """Return the log that training scripts print, with lines that are not predictions."""
    lines = ["lr=0.000050, epochs=800, device=cuda", ""]
    for subject, members in groupby(predictions, key=lambda p: p.subject):
        clips = list(members)
        lines += [
            f"Subject: {subject} ",
            "Epoch 1/800: train loss: 1.0986 | val loss: 1.1",
            f"{role} : {[p.predicted_class for p in clips]} ",
            f"Ground Truth : {[p.truth for p in clips]}",
            "UF1: 0.5185 | UAR: nan",
        ]
    return "\n".join([*lines, "Final Evaluation: ", ""])


def format_csv(predictions: Sequence[ClipPrediction], *, delimiter: str = ",") -> str:
    """Return a CSV file with all columns under names that papers use."""
    rows = [("Dataset", "Subject", "Filename", "Ground Truth", "y_pred")]
    rows += [(p.dataset, p.subject, p.clip, str(p.truth), str(p.predicted_class)) for p in predictions]
    return "\n".join(map(delimiter.join, rows)) + "\n"
