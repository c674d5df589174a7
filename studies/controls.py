"""Negative controls: what a score must beat before it means anything.

Two are computed from a run's own data: the commonest class of its training, and a guesser that draws from
the training's class shares and keeps the best of as many tries as a run may have epochs, chosen on the test,
which is what choosing an epoch on the test is worth (Varanka et al. 2024, IEEE TAFFC). Three are runs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from studies.metrics import headline, scores
from studies.results import Prediction, RunResult
from studies.spec import Control

TRAINED: Mapping[Control, str] = {
    "shuffled-labels": "trained on labels dealt anew among the training clips",
    "onset-frame": "every frame replaced by its clip's onset frame, in which there is no expression yet",
    "identity-probe": "how well the subject, not the expression, is read from the trained network's features "
    "by a logistic regression on half of the training clips, tested on the other half; its classes are "
    "subjects",
}
"""Controls that are runs, and what each is."""

MAJORITY, PRIOR = "majority class", "prior guesser"


def majority(run: RunResult) -> tuple[Prediction, ...]:
    """The run's test samples, all answered with the commonest class of its training; of equals the first."""
    common = max(range(len(run.data.train)), key=run.data.train.__getitem__)
    return tuple(
        _answered(prediction, common, classes=len(run.data.classes)) for prediction in run.predictions
    )


def prior_guesser(run: RunResult) -> tuple[Prediction, ...]:
    """The run's test samples guessed by the class shares of its training, the best of `epochs` tries.

    All frames of a clip get one guess. The tries are drawn for the run's key, so they are the same always.
    """
    drawn = random.Random(run.spec.key)
    classes = len(run.data.classes)
    clips = list(dict.fromkeys(prediction.clip or prediction.id for prediction in run.predictions))
    best: tuple[Prediction, ...] = ()
    most = -1
    for _ in range(run.spec.training.epochs):
        guess = dict(zip(clips, drawn.choices(range(classes), run.data.train, k=len(clips)), strict=True))
        tried = tuple(_answered(p, guess[p.clip or p.id], classes=classes) for p in run.predictions)
        correct = scores(headline(tried, run.spec.protocol), classes).correct
        if correct > most:
            best, most = tried, correct
    return best


def _answered(prediction: Prediction, answer: int, *, classes: int) -> Prediction:
    return Prediction(
        id=prediction.id,
        subject=prediction.subject,
        clip=prediction.clip,
        truth=prediction.truth,
        probabilities=tuple(float(c == answer) for c in range(classes)),
    )
