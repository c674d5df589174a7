"""Negative controls: what a score must beat before it means anything.

Two are computed from a run's own data: the commonest class of its training, and a guesser that draws from
the training's class shares and keeps the best of as many tries as a run may have epochs, chosen on the test,
which is what choosing an epoch on the test is worth (Varanka et al. 2024, IEEE TAFFC). Three are runs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from studies.metrics import headline, scores
from studies.results import Prediction, RunResult
from studies.spec import Control

TRAINED: Mapping[Control, str] = {
    "shuffled-labels": "trained on labels dealt anew among the training clips; true ones choose the epoch",
    "onset-frame": "every frame replaced by its clip's onset frame, in which there is no expression yet",
    "identity-probe": "how well the subject, not the expression, is read from the trained network's features "
    "by a logistic regression on half of the training clips, tested on the other half; its classes are "
    "subjects",
}
"""Controls that are runs, and what each is."""

MAJORITY, PRIOR = "majority class", "prior guesser"


def majority(runs: Sequence[RunResult]) -> tuple[tuple[Prediction, ...], ...]:
    """The test samples of one seed's folds, answered with the commonest class of each fold's training."""
    return tuple(
        tuple(_answered(p, commonest_class(run), classes=len(run.data.classes)) for p in run.predictions)
        for run in runs
    )


def commonest_class(run: RunResult) -> int:
    """The class with the most training samples; of equals, the first."""
    return run.data.train.index(max(run.data.train))


def prior_guesser(runs: Sequence[RunResult]) -> tuple[tuple[Prediction, ...], ...]:
    """The test samples of one seed's folds, guessed by the class shares of each fold's training.

    Of as many tries as a run may have epochs, the one that is best over all folds together. All frames of a
    clip get one guess. The tries are drawn for the runs' keys, so they are the same always.
    """
    first = runs[0]
    classes = len(first.data.classes)
    drawn = random.Random(" ".join(run.spec.key for run in runs))
    best: tuple[tuple[Prediction, ...], ...] = ()
    most = -1
    for _ in range(first.spec.training.epochs):
        tried = tuple(_guessed(run, drawn, classes=classes) for run in runs)
        pooled = tuple(prediction for fold in tried for prediction in fold)
        correct = scores(headline(pooled, first.spec.protocol), classes).correct
        if correct > most:
            best, most = tried, correct
    return best


def _guessed(run: RunResult, drawn: random.Random, *, classes: int) -> tuple[Prediction, ...]:
    clips = list(dict.fromkeys(prediction.clip or prediction.id for prediction in run.predictions))
    guess = dict(zip(clips, drawn.choices(range(classes), run.data.train, k=len(clips)), strict=True))
    return tuple(_answered(p, guess[p.clip or p.id], classes=classes) for p in run.predictions)


def _answered(prediction: Prediction, answer: int, *, classes: int) -> Prediction:
    return Prediction(
        id=prediction.id,
        subject=prediction.subject,
        clip=prediction.clip,
        truth=prediction.truth,
        probabilities=tuple(float(c == answer) for c in range(classes)),
    )
