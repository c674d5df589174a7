"""Negative controls: a score is meaningful only if it is higher than theirs.

Two controls are computed from the data of a run. The majority control predicts the most frequent training
class. The prior guesser draws classes with the training frequencies, in as many tries as a run may have
epochs, and keeps the try with the best test score: this is the gain of selecting an epoch on the test set
(Varanka et al. 2024, IEEE TAFFC). The other three controls are runs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from studies.metrics import compute_scores, to_evaluation_unit
from studies.results import Prediction, RunResult
from studies.spec import Control

CONTROL_DESCRIPTIONS: Mapping[Control, str] = {
    "shuffled-labels": "trained on labels shuffled among the training clips; the true validation labels "
    "select the epoch",
    "onset-frame": "every frame replaced by the onset frame of its clip, which shows no expression",
    "identity-probe": "a logistic regression that predicts the subject, not the expression, from the "
    "features of the trained network; it is trained on half of the training clips and tested on the "
    "other half",
}
"""Description of each control that is a run."""

MAJORITY, PRIOR = "majority class", "prior guesser"


def predict_majority(runs: Sequence[RunResult]) -> tuple[tuple[Prediction, ...], ...]:
    """Predict, for the test samples of one seed's folds, the most frequent training class of each fold."""
    return tuple(
        tuple(
            _replace_predicted_class(p, find_majority_class(run), num_classes=len(run.data.classes))
            for p in run.predictions
        )
        for run in runs
    )


def find_majority_class(run: RunResult) -> int:
    """Return the class with the most training samples; among equals, the first."""
    return run.data.train.index(max(run.data.train))


def predict_prior(runs: Sequence[RunResult]) -> tuple[tuple[Prediction, ...], ...]:
    """Guess the classes of the test samples of one seed's folds with each fold's training frequencies.

    Return the try with the most correct units over all folds, out of as many tries as a run may have epochs.
    All frames of a clip get the same guess. The random generator is seeded with the keys of the runs, so that
    the result is reproducible.
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
