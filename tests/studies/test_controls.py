from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from studies.controls import predict_majority, predict_prior
from studies.metrics import aggregate_by_clip, compute_scores
from studies.results import Prediction, RunResult


def with_clips(result: RunResult, *, clips: int, train: tuple[int, int], epochs: int) -> RunResult:
    """Return `result` with `clips` clips of two frames each; the true classes 0 and 1 alternate."""
    predictions = tuple(
        Prediction(id=f"c{c}/{f}", subject="s", clip=f"c{c}", truth=c % 2, probabilities=(0.5, 0.5))
        for c in range(clips)
        for f in range(2)
    )
    spec = replace(result.spec, training=replace(result.spec.training, epochs=epochs), protocol="clip")
    return replace(result, spec=spec, predictions=predictions, data=replace(result.data, train=train))


def test_majority_control_predicts_the_largest_training_class(result: RunResult) -> None:
    run = with_clips(result, clips=4, train=(3, 9), epochs=1)
    assert {p.predicted_class for p in predict_majority((run,))[0]} == {1}
    assert [(p.id, p.truth) for p in predict_majority((run,))[0]] == [
        (p.id, p.truth) for p in run.predictions
    ]


def test_prior_control_improves_with_the_number_of_epochs(result: RunResult) -> None:
    def accuracy(epochs: int) -> float:
        run = with_clips(result, clips=20, train=(5, 5), epochs=epochs)
        return compute_scores(aggregate_by_clip(predict_prior((run,))[0]), 2).accuracy

    assert accuracy(1) <= accuracy(10) <= accuracy(100)
    assert accuracy(100) >= 0.65, "the best of 100 guesses of 20 coins is well above a half"


def test_prior_control_is_constant_by_clip_and_reproducible(result: RunResult) -> None:
    run = with_clips(result, clips=8, train=(5, 5), epochs=3)
    predictions = {(p.clip, p.predicted_class) for p in predict_prior((run,))[0]}
    assert len(predictions) == 8
    assert predict_prior((run,))[0] == predict_prior((run,))[0]


def test_prior_control_predicts_only_training_classes(result: RunResult) -> None:
    assert {
        p.predicted_class for p in predict_prior((with_clips(result, clips=30, train=(0, 4), epochs=5),))[0]
    } == {1}


Control = Callable[[Sequence[RunResult]], tuple[tuple[Prediction, ...], ...]]


@pytest.mark.parametrize("control", [predict_majority, predict_prior])
def test_controls_predict_with_probability_1(result: RunResult, control: Control) -> None:
    run = with_clips(result, clips=3, train=(2, 1), epochs=2)
    assert all(sorted(p.probabilities) == [0.0, 1.0] for p in control((run,))[0])


def test_best_try_is_selected_by_all_folds(result: RunResult) -> None:
    base = with_clips(result, clips=2, train=(5, 5), epochs=4)
    folds = [
        replace(
            base,
            spec=replace(base.spec, split_seed=fold),
            predictions=tuple(replace(p, clip=f"{fold}{p.clip}") for p in base.predictions),
        )
        for fold in range(12)
    ]

    def accuracy(runs: list[RunResult]) -> float:
        return compute_scores([p for fold in predict_prior(runs) for p in fold], 2).accuracy

    assert accuracy(folds) < sum(accuracy([fold]) for fold in folds) / 12
