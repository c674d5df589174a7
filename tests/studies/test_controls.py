from dataclasses import replace

import pytest

from studies.controls import majority, prior_guesser
from studies.metrics import by_clip, scores
from studies.results import Prediction, RunResult


def of_clips(result: RunResult, *, clips: int, train: tuple[int, int], epochs: int) -> RunResult:
    """`result` with `clips` clips of two frames each, of truths 0 and 1 in turn."""
    predictions = tuple(
        Prediction(id=f"c{c}/{f}", subject="s", clip=f"c{c}", truth=c % 2, probabilities=(0.5, 0.5))
        for c in range(clips)
        for f in range(2)
    )
    spec = replace(result.spec, training=replace(result.spec.training, epochs=epochs), protocol="clip")
    return replace(result, spec=spec, predictions=predictions, data=replace(result.data, train=train))


def test_the_majority_control_answers_with_the_commonest_class_of_training(result: RunResult):
    run = of_clips(result, clips=4, train=(3, 9), epochs=1)
    assert {p.answer for p in majority((run,))[0]} == {1}
    assert [(p.id, p.truth) for p in majority((run,))[0]] == [(p.id, p.truth) for p in run.predictions]


def test_the_guesser_gains_with_every_epoch_that_it_may_choose_from(result: RunResult):
    def accuracy(epochs: int) -> float:
        run = of_clips(result, clips=20, train=(5, 5), epochs=epochs)
        return scores(by_clip(prior_guesser((run,))[0]), 2).accuracy

    assert accuracy(1) <= accuracy(10) <= accuracy(100)
    assert accuracy(100) >= 0.65, "the best of 100 guesses of 20 coins is well above a half"


def test_the_guesser_gives_a_clip_one_answer_and_repeats_itself(result: RunResult):
    run = of_clips(result, clips=8, train=(5, 5), epochs=3)
    answers = {(p.clip, p.answer) for p in prior_guesser((run,))[0]}
    assert len(answers) == 8
    assert prior_guesser((run,))[0] == prior_guesser((run,))[0]


def test_the_guesser_never_answers_what_training_does_not_hold(result: RunResult):
    assert {p.answer for p in prior_guesser((of_clips(result, clips=30, train=(0, 4), epochs=5),))[0]} == {1}


@pytest.mark.parametrize("control", [majority, prior_guesser])
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
        return scores([p for fold in prior_guesser(runs) for p in fold], 2).accuracy

    assert accuracy(folds) < sum(accuracy([fold]) for fold in folds) / 12
