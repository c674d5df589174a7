"""Negative controls: what a score must beat before it means anything.

Two are computed from a run's own data: the commonest class of its training, and a guesser that draws from
the training's class shares and keeps the best of as many tries as a run may have epochs, chosen on the test,
which is what choosing an epoch on the test is worth (Varanka et al. 2024, IEEE TAFFC). Three are runs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from studies.metrics import compute_scores, to_evaluation_unit
from studies.results import Prediction, RunResult
from studies.spec import Control

CONTROL_DESCRIPTIONS: Mapping[Control, str] = {
    "shuffled-labels": "trained on labels dealt anew among the training clips; true ones choose the epoch",
    "onset-frame": "every frame replaced by its clip's onset frame, in which there is no expression yet",
    "identity-probe": "how well the subject, not the expression, is read from the trained network's features "
    "by a logistic regression on half of the training clips, tested on the other half; its classes are "
    "subjects",
}
"""Controls that are runs, and what each is."""

MAJORITY, PRIOR = "majority class", "prior guesser"


def predict_majority(runs: Sequence[RunResult]) -> tuple[tuple[Prediction, ...], ...]:
    """The test samples of one seed's folds, answered with the commonest class of each fold's training."""
    return tuple(
        tuple(
            _replace_predicted_class(p, find_majority_class(run), num_classes=len(run.data.classes))
            for p in run.predictions
        )
        for run in runs
    )


def find_majority_class(run: RunResult) -> int:
    """The class with the most training samples; of equals, the first."""
    return run.data.train.index(max(run.data.train))


def predict_prior(runs: Sequence[RunResult]) -> tuple[tuple[Prediction, ...], ...]:
    """The test samples of one seed's folds, guessed by the class shares of each fold's training.

    Of as many tries as a run may have epochs, the one that is best over all folds together. All frames of a
    clip get one guess. The tries are drawn for the runs' keys, so they are the same always.
    """
    first_run = runs[0]
    num_classes = len(first_run.data.classes)
    rng = random.Random(" ".join(run.spec.key for run in runs))
    best: tuple[tuple[Prediction, ...], ...] = ()
    best_correct = -1
    for _ in range(first_run.spec.training.epochs):
        guesses = tuple(_guess_classes(run, rng, num_classes=num_classes) for run in runs)
        pooled = tuple(prediction for fold in guesses for prediction in fold)
        correct = compute_scores(to_evaluation_unit(pooled, first_run.spec.protocol), num_classes).correct
        if correct > best_correct:
            best, best_correct = guesses, correct
    return best


def _guess_classes(run: RunResult, rng: random.Random, *, num_classes: int) -> tuple[Prediction, ...]:
    clips = list(dict.fromkeys(prediction.clip or prediction.id for prediction in run.predictions))
    guess_by_clip = dict(
        zip(clips, rng.choices(range(num_classes), run.data.train, k=len(clips)), strict=True)
    )
    return tuple(
        _replace_predicted_class(p, guess_by_clip[p.clip or p.id], num_classes=num_classes)
        for p in run.predictions
    )


def _replace_predicted_class(prediction: Prediction, predicted_class: int, *, num_classes: int) -> Prediction:
    return Prediction(
        id=prediction.id,
        subject=prediction.subject,
        clip=prediction.clip,
        truth=prediction.truth,
        probabilities=tuple(float(c == predicted_class) for c in range(num_classes)),
    )
