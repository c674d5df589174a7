from dataclasses import replace

import pytest

from studies.controls import predict_majority, predict_prior
from studies.metrics import aggregate_by_clip, compute_scores
from studies.results import Prediction, RunResult


def of_clips(result: RunResult, *, clips: int, train: tuple[int, int], epochs: int) -> RunResult:
    """Return `result` with `clips` clips of two frames each; the true classes 0 and 1 alternate."""
    predictions = tuple(
        Prediction(id=f"c{c}/{f}", subject="s", clip=f"c{c}", truth=c % 2, probabilities=(0.5, 0.5))
        for c in range(clips)
        for f in range(2)
    )
    spec = replace(result.spec, training=replace(result.spec.training, epochs=epochs), protocol="clip")
    return replace(result, spec=spec, predictions=predictions, data=replace(result.data, train=train))


def test_the_majority_control_answers_with_the_commonest_class_of_training(result: RunResult):
    run = of_clips(result, clips=4, train=(3, 9), epochs=1)
    assert {p.predicted_class for p in predict_majority((run,))[0]} == {1}
    assert [(p.id, p.truth) for p in predict_majority((run,))[0]] == [
        (p.id, p.truth) for p in run.predictions
    ]


def test_the_guesser_gains_with_every_epoch_that_it_may_choose_from(result: RunResult):
    def accuracy(epochs: int) -> float:
        run = of_clips(result, clips=20, train=(5, 5), epochs=epochs)
        return compute_scores(aggregate_by_clip(predict_prior((run,))[0]), 2).accuracy

    assert accuracy(1) <= accuracy(10) <= accuracy(100)
    assert accuracy(100) >= 0.65, "the best of 100 guesses of 20 coins is well above a half"


def test_the_guesser_gives_a_clip_one_answer_and_repeats_itself(result: RunResult):
    run = of_clips(result, clips=8, train=(5, 5), epochs=3)
    answers = {(p.clip, p.predicted_class) for p in predict_prior((run,))[0]}
    assert len(answers) == 8
    assert predict_prior((run,))[0] == predict_prior((run,))[0]


def test_the_guesser_never_answers_what_training_does_not_hold(result: RunResult):
    assert {
        p.predicted_class for p in predict_prior((of_clips(result, clips=30, train=(0, 4), epochs=5),))[0]
    } == {1}


@pytest.mark.parametrize("control", [predict_majority, predict_prior])
def test_a_control_answers_every_test_sample_with_certainty(result: RunResult, control):
    run = of_clips(result, clips=3, train=(2, 1), epochs=2)
    assert all(sorted(p.probabilities) == [0.0, 1.0] for p in control((run,))[0])


def test_the_try_is_chosen_over_all_folds_together(result: RunResult):
    base = of_clips(result, clips=2, train=(5, 5), epochs=4)
    folds = [
        replace(
            base,
            spec=replace(base.spec, split_seed=fold),
            predictions=tuple(replace(p, clip=f"{fold}{p.clip}") for p in base.predictions),
        )
        for fold in range(12)
    ]

    def accuracy(runs) -> float:
        return compute_scores([p for fold in predict_prior(runs) for p in fold], 2).accuracy

    assert accuracy(folds) < sum(accuracy([fold]) for fold in folds) / 12
