from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from studies.metrics import compute_scores
from studies.published_practice import expect_best_guess, pick_epoch, score_matrix


@dataclass(frozen=True)
class Pair:
    truth: int
    predicted_class: int


def enumerate_best_guess(truths: Sequence[int], shares: Sequence[float], epochs: int) -> np.ndarray:
    """Return the expected confusion matrix from every possible sequence of guesses: the slow twin."""
    matrix = np.zeros((len(shares), len(shares)))
    guesses = list(product(range(len(shares)), repeat=len(truths)))
    for attempt in product(guesses, repeat=epochs):
        probability = np.prod([shares[label] for guess in attempt for label in guess])
        for truth, label in zip(truths, attempt[pick_epoch(truths, attempt)], strict=True):
            matrix[truth, label] += probability
    return matrix


def test_first_of_the_epochs_with_the_most_correct_units_is_picked() -> None:
    assert pick_epoch((0, 1, 1), [(0, 0, 0), (0, 1, 0), (1, 1, 1), (0, 0, 1)]) == 1
    assert pick_epoch((0,), [(1,), (1,)]) == 0


@pytest.mark.parametrize(
    ("truths", "shares", "epochs"),
    [
        ((0, 1, 1), (0.5, 0.25, 0.25), 2),
        ((0, 1), (0.5, 0.2, 0.3), 3),
        ((1, 1, 2), (0.0, 0.75, 0.25), 2),
        ((0, 1), (1.0, 0.0), 3),
        ((0, 0, 1, 1), (0.7, 0.3), 1),
    ],
)
def test_guesser_equals_the_enumeration_of_all_guesses(
    truths: tuple[int, ...], shares: tuple[float, ...], epochs: int
) -> None:
    counts = np.bincount(truths, minlength=len(shares))
    matrix = expect_best_guess(counts.tolist(), shares, epochs=epochs)
    assert matrix == pytest.approx(enumerate_best_guess(truths, shares, epochs))
    assert matrix.sum(1) == pytest.approx(counts)


def test_guesser_gains_with_every_epoch() -> None:
    scores = [
        score_matrix(expect_best_guess((4, 2, 3), (0.5, 0.2, 0.3), epochs=epochs))
        for epochs in (1, 2, 5, 20, 100, 1000)
    ]
    for metric in ("accuracy", "uf1", "uar"):
        values = [getattr(score, metric) for score in scores]
        assert values == sorted(set(values))
    # One guess is right with the share of the class: (4 * 0.5 + 2 * 0.2 + 3 * 0.3) / 9.
    assert scores[0].accuracy == pytest.approx(3.3 / 9)


def test_large_folds_and_many_epochs_stay_finite() -> None:
    matrix = expect_best_guess((1500, 500), (0.7, 0.3), epochs=1_000_000)
    assert matrix.sum() == pytest.approx(2000)
    assert 0.58 < score_matrix(matrix).accuracy < 0.65


def test_scores_of_a_matrix_are_those_of_its_units() -> None:
    matrix = np.array(((3, 1, 2), (0, 0, 0), (1, 0, 4)))
    units = [
        Pair(truth, predicted)
        for (truth, predicted), count in np.ndenumerate(matrix)
        for _ in range(int(count))
    ]
    expected, scores = compute_scores(units, 3), score_matrix(matrix.astype(float))
    assert (scores.accuracy, scores.uf1, scores.uar) == pytest.approx(
        (expected.accuracy, expected.uf1, expected.uar)
    )
