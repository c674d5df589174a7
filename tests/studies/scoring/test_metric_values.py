from collections.abc import Sequence

import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score, recall_score

from studies.metrics import compute_scores
from studies.prediction_files.table import ClipPrediction
from studies.scoring.metric_values import MAIN_METRICS, compute_metric_values
from tests.studies.prediction_files.synthetic import make_predictions

PREDICTIONS = make_predictions()
TRUTHS = [p.truth for p in PREDICTIONS]
PREDICTED = [p.predicted_class for p in PREDICTIONS]


def _values(predictions: Sequence[ClipPrediction]) -> dict[str, float]:
    return dict(compute_metric_values(predictions, 3, scores=compute_scores(predictions, 3)))


def test_values_are_those_of_scikit_learn_and_all_differ() -> None:
    values = _values(PREDICTIONS)
    expected = {
        "UF1": f1_score(TRUTHS, PREDICTED, average="macro"),
        "UAR": recall_score(TRUTHS, PREDICTED, average="macro"),
        "accuracy": accuracy_score(TRUTHS, PREDICTED),
        "macro precision": precision_score(TRUTHS, PREDICTED, average="macro"),
        "weighted F1": f1_score(TRUTHS, PREDICTED, average="weighted"),
        "weighted precision": precision_score(TRUTHS, PREDICTED, average="weighted"),
    }

    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert values["UAR"] == pytest.approx(balanced_accuracy_score(TRUTHS, PREDICTED))
    assert len({round(values[name], 3) for name in MAIN_METRICS}) == 4


def test_group_means_are_means_of_single_scores() -> None:
    values = _values(PREDICTIONS)
    by_set = [
        [p for p in PREDICTIONS if p.dataset == name]
        for name in dict.fromkeys(p.dataset for p in PREDICTIONS)
    ]
    set_accuracy = [sum(p.truth == p.predicted_class for p in group) / len(group) for group in by_set]

    assert values["mean accuracy over sets"] == pytest.approx(sum(set_accuracy) / 3)
    # Every subject has the same number of clips.
    assert values["mean accuracy over subjects"] == pytest.approx(values["accuracy"])
    assert values["mean UF1 over subjects"] != pytest.approx(values["UF1"])


def test_single_subject_and_set_has_no_group_means() -> None:
    assert not [name for name in _values(PREDICTIONS[:5]) if name.startswith("mean ")]
