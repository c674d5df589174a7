"""Tests of claims about scores, sizes and costs, with runs for and against each, and of the claim table."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from architectures.catalogue import get_architecture
from architectures.network import count_parameters
from reports.claims.catalogue import CLAIMS
from reports.claims.rules import ClaimResult
from reports.claims.score_measures import PARAMETERS
from reports.claims.table import IMAGE_INDEPENDENT_CLAIMS, build_claim_table, describe_claim_results
from reports.outcomes import StudyEvaluation, evaluate_study
from studies.arms import build_ablation_arms, build_comparison_arms
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

BY_ID = {claim.id: claim for claim in CLAIMS}
TRAININGS = (0, 1, 2, 3, 4)
FOR, AGAINST, OPEN = "reproduced", "not reproduced", "undecidable at this n"
NAMES = tuple(arm.name for arm in build_comparison_arms())


def _judge(claim: str, study: StudyEvaluation, protocol: str = "frame") -> ClaimResult:
    return BY_ID[claim].judge([study], protocol)


def _ladder(
    factory: type[Factory],
    right: Callable[[int, int], bool],
    *,
    design: str = "ladder",
    protocol: str = "frame",
    seeds: tuple[int, ...] = TRAININGS,
    **changes: Any,
) -> StudyEvaluation:
    """Return a CASME II ladder; right(r, n) is True if rung r has clip n (0..9) of every subject correct."""
    base = factory.study("ablation", protocols=(protocol,), seeds=seeds)
    study = replace(base, design=design, arms=build_ablation_arms(design), **changes)
    names = [arm.name for arm in study.arms]

    def choose(spec: RunSpec) -> RunResult:
        rung = names.index(spec.architecture.name)
        return factory.run_from_correctness(
            spec, [right(rung, clip // 20) for clip in range(200)], subjects=20
        )

    return evaluate_study(factory.finish(study, choose))


def test_paper_has_seventeen_claims() -> None:
    assert len(BY_ID) == len(CLAIMS) == 17


def _judge_scores(
    factory: type[Factory],
    correct: int | Callable[[int], int],
    *,
    seeds: tuple[int, ...] = TRAININGS,
    subjects: int = 24,
    first: int | None = None,
    width: float = 1.0,
) -> ClaimResult:
    """Evaluate acc-casme2 on runs of the proposed network with `correct` of 1074 clips correct."""

    def choose(spec: RunSpec) -> RunResult:
        number = correct if isinstance(correct, int) else correct(spec.seed)
        return factory.run_from_correctness(
            spec, [clip < number for clip in range(1074)], subjects=subjects, first=first
        )

    study = factory.study(only=("proposed",), seeds=seeds, width=width)
    return _judge("acc-casme2", evaluate_study(factory.finish(study, choose)))


def test_printed_scores_are_reproduced_if_both_intervals_hold_them(factory: type[Factory]) -> None:
    result = _judge_scores(factory, 1057)
    assert result.verdict == FOR
    assert result.measured_text.startswith("accuracy 98.42 % [")
    assert result.reason == "2 of 2 comparisons support the claim, 0 oppose it"


def test_accuracy_outside_the_interval_is_not_reproduced(factory: type[Factory]) -> None:
    assert _judge_scores(factory, 900).verdict == AGAINST


def test_f1_is_evaluated_like_accuracy(factory: type[Factory]) -> None:
    # All 17 clips of the second class are wrong: the accuracy equals the paper's, the F1 is about 1/2.
    result = _judge_scores(factory, 1057, first=1057)
    assert "F1 49.60 %" in result.measured_text
    assert result.verdict == AGAINST
    assert result.reason == (
        "1 of 2 comparisons support the claim, 1 oppose it "
        "(the interval does not contain the paper's number: F1)"
    )


@pytest.mark.parametrize(
    ("seeds", "subjects", "reason"),
    [
        ((0,), 24, "1 training (at least 5)"),
        ((0, 1, 2, 3), 24, "4 trainings (at least 5)"),
        (TRAININGS, 5, "too few subjects (5, at least 6)"),
    ],
)
def test_few_trainings_or_subjects_decide_no_score(
    factory: type[Factory], seeds: tuple[int, ...], subjects: int, reason: str
) -> None:
    result = _judge_scores(factory, 1055, seeds=seeds, subjects=subjects)
    assert (result.verdict, result.reason) == (OPEN, reason)
    assert "[" not in result.measured_text


def test_frames_of_unnamed_subjects_decide_no_score(factory: type[Factory]) -> None:
    study = factory.study(only=("proposed",), seeds=TRAININGS)

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [clip < 1055 for clip in range(1074)], subjects=24)
        return factory.nameless(run, "subject")

    result = _judge("acc-casme2", evaluate_study(factory.finish(study, choose)))
    assert (result.verdict, result.reason) == (OPEN, "1074 of 1074 test units name no subject")


def test_interval_covers_other_trainings(factory: type[Factory]) -> None:
    # The mean is 93 %; the trainings scatter so far that the interval contains the paper's number.
    result = _judge_scores(factory, lambda seed: (1055, 1055, 1055, 1055, 770)[seed])
    assert result.measured_text.startswith("accuracy 92.92 %")
    assert (result.verdict, result.reason) == (
        OPEN,
        "the interval contains the paper's number, but the estimate is over 5 points away",
    )


def test_scores_are_compared_at_the_papers_settings_only(factory: type[Factory]) -> None:
    result = _judge_scores(factory, 1055, width=0.5)
    assert result.verdict == "not testable here"
    assert result.reason.startswith("not the paper's settings: width 0.5")


def test_accuracy_with_unknown_leaks_is_labelled(factory: type[Factory]) -> None:
    study = factory.study(dataset="ckplus", only=("proposed",))
    runs = factory.finish(study, lambda spec: factory.nameless(factory.run(spec), "clip", "subject"))
    assert _judge("acc-ckplus", evaluate_study(runs)).measured_text.endswith(
        "(clip overlap unknown, subject overlap unknown)"
    )


def _judge_comparison(factory: type[Factory], right: Callable[[str, int], bool]) -> ClaimResult:
    """Evaluate best-ckplus; right(network, n) is True if clip n (0..4) of each of 20 subjects is correct."""
    study = factory.study(dataset="ckplus", only=NAMES, seeds=TRAININGS)

    def choose(spec: RunSpec) -> RunResult:
        name = spec.architecture.name
        return factory.run_from_correctness(spec, [right(name, clip) for clip in range(100)], subjects=20)

    return _judge("best-ckplus", evaluate_study(factory.finish(study, choose)))


def test_proposed_network_is_best_only_if_it_is_better_than_every_other(factory: type[Factory]) -> None:
    best = _judge_comparison(factory, lambda name, clip: name == "proposed" or clip < 60)
    assert best.verdict == FOR
    assert best.reason == "6 of 6 comparisons support the claim, 0 oppose it"
    worse = _judge_comparison(
        factory, lambda name, clip: name == "alexnet" or clip < (80 if name == "proposed" else 60)
    )
    assert worse.verdict == AGAINST
    assert "worse: proposed over alexnet" in worse.reason


def test_lead_of_one_image_is_inconclusive(factory: type[Factory]) -> None:
    result = _judge_comparison(
        factory, lambda name, clip: clip < 60 or (name == "proposed" and clip % 20 < 4)
    )
    assert result.verdict == OPEN
    assert "inconclusive" in result.reason


def test_ladder_is_reproduced_only_if_every_step_is_better(factory: type[Factory]) -> None:
    rising = _ladder(factory, lambda rung, n: n < 3 + rung)
    assert _judge("ladder", rising).verdict == FOR
    assert _judge("prelu-best", rising).verdict == FOR
    level = _judge("ladder", _ladder(factory, lambda rung, n: n < 3 + min(rung, 3)))
    assert level.verdict == AGAINST
    assert "equivalent: proposed over vgg16+cbam+residual+separable" in level.reason
    falling = _ladder(factory, lambda rung, n: n < 3 + rung - 2 * (rung == 4))
    assert _judge("ladder", falling).verdict == AGAINST
    assert _judge("prelu-best", falling).verdict == AGAINST
    assert _judge("ladder", rising, "subject").verdict == "not testable here"


def test_one_training_decides_no_step(factory: type[Factory]) -> None:
    single = _ladder(factory, lambda rung, n: n < 3 + rung, seeds=(0,))
    for claim in ("ladder", "prelu-best"):
        result = _judge(claim, single)
        assert (result.verdict, result.reason) == (OPEN, "1 training (at least 5)")


def test_steps_are_compared_in_accuracy_for_any_study_metric(factory: type[Factory]) -> None:
    accuracy, uar = (_ladder(factory, lambda rung, n: n < 3 + rung, metric=m) for m in ("accuracy", "uar"))
    assert _judge("ladder", accuracy) == _judge("ladder", uar)


def test_separable_convolutions_are_free_if_accuracy_does_not_fall(factory: type[Factory]) -> None:
    def judge_step(step: int) -> ClaimResult:
        study = _ladder(factory, lambda rung, n: n < 6 + step * (rung > 2))
        runs = tuple(
            replace(run, cost=replace(run.cost, multiply_adds=100 - 50 * ("separable" in run.spec.name)))
            for run in study.result.results
        )
        return _judge("separable-free", evaluate_study(replace(study.result, results=runs)))

    assert judge_step(0).measured_text.startswith("50.00 % of the multiply-adds saved, 0.00")
    assert judge_step(0).verdict == judge_step(1).verdict == FOR
    assert judge_step(-1).verdict == AGAINST
    dearer = _judge("separable-free", _ladder(factory, lambda rung, n: n < 6))
    assert (dearer.verdict, dearer.reason) == (AGAINST, "separable convolutions save no multiply-adds")


def _judge_gain(factory: type[Factory], *, gains: int, losses: int = 0, **changes: Any) -> ClaimResult:
    """Evaluate cbam-gain; CBAM gains one of 15 clips on `gains` of 40 subjects and loses one on `losses`."""
    base = factory.study("ablation", protocols=("frame",), seeds=TRAININGS)
    controlled = replace(base, design="controlled", arms=build_ablation_arms("controlled"), **changes)

    def choose(spec: RunSpec) -> RunResult:
        foot = spec.architecture.name == "vgg16-bn-gap"
        right = [clip >= gains if foot else clip < 40 - losses for clip in range(40)]
        return factory.run_from_correctness(spec, right + [True] * 560, subjects=40)

    return _judge("cbam-gain", evaluate_study(factory.finish(controlled, choose)))


def test_gain_is_reproduced_if_its_interval_holds_the_papers_and_not_0(factory: type[Factory]) -> None:
    result = _judge_gain(factory, gains=20)
    assert result.verdict == FOR
    assert result.measured_text.startswith("+3.33 [")
    assert result.measured_text.endswith("points (controlled ladder)")
    assert result.remark.startswith("judged on the controlled ladder")


def test_gain_far_from_the_papers_is_not_reproduced(factory: type[Factory]) -> None:
    result = _judge_gain(factory, gains=0)
    assert (result.verdict, result.reason) == (AGAINST, "the interval does not contain the paper's number")


def test_equivalent_gain_is_not_reproduced_and_an_inconclusive_one_is_undecidable(
    factory: type[Factory],
) -> None:
    equivalent = _judge_gain(factory, gains=19, losses=10)
    assert (equivalent.verdict, equivalent.reason) == (AGAINST, "the difference is equivalent to 0")
    inconclusive = _judge_gain(factory, gains=19, losses=10, margin=0.02)
    assert (inconclusive.verdict, inconclusive.reason) == (
        OPEN,
        "the interval contains both the paper's number and 0",
    )


def test_other_or_incomplete_ladder_does_not_test_the_papers_steps(
    factory: type[Factory],
) -> None:
    def judge(order: tuple[str, ...] = (), missing: str = "") -> str:
        base = factory.study("ablation", protocols=("frame",))
        study = replace(base, design="controlled", arms=build_ablation_arms("controlled", order=order))

        def choose(spec: RunSpec) -> RunResult | None:
            if spec.architecture.name == missing:
                return None
            return factory.run_from_correctness(spec, [True] * 200, subjects=20)

        return str(_judge("cbam-gain", evaluate_study(factory.finish(study, choose))).verdict)

    assert judge() == OPEN
    assert judge(order=("residual", "cbam", "separable", "prelu")) == "not testable here"
    assert judge(missing="vgg16-bn-gap+cbam") == "not testable here"


@pytest.mark.parametrize(("name", "classes"), PARAMETERS)
def test_parameter_counts_are_those_of_the_built_networks(name: str, classes: int) -> None:
    assert count_parameters(get_architecture(name), num_classes=classes) == PARAMETERS[name, classes]


def test_counts_are_compared_with_the_printed_ones() -> None:
    size = BY_ID["size"].judge([], "frame")
    assert size.measured_text == "9.05 MiB, 1.77 %"
    assert size.verdict == "not testable here"
    assert size.reason == "not a test: the block was derived from this number"
    vgg = BY_ID["size-vgg"].judge([], "frame")
    assert (vgg.measured_text, vgg.verdict) == ("138,357,544", FOR)
    assert BY_ID["cost-block1"].judge([], "frame").verdict == AGAINST


def test_table_has_testable_claims_and_names_others(factory: type[Factory]) -> None:
    table = build_claim_table([_ladder(factory, lambda rung, n: n < 3 + rung, protocol="loso")])
    assert table is not None
    ids = factory.column(table, "Id")
    assert ids == ["acc-casme2", "size", "cost-block1", "ladder", "separable-free", "prelu-best", "size-vgg"]
    others = next(note for note in table.notes if "do not test" in note)
    assert all(claim.id in ids or claim.id in others for claim in CLAIMS)
    verdicts = dict(zip(ids, factory.column(table, "Verdict, loso"), strict=True))
    assert verdicts["ladder"] == FOR
    synthetic_study = evaluate_study(factory.finish(factory.study(dataset="synthetic")))
    assert build_claim_table([synthetic_study]) is None


def test_remarks_and_reasons_are_notes(factory: type[Factory]) -> None:
    table = build_claim_table([_ladder(factory, lambda rung, n: True, design="controlled")])
    assert table is not None
    assert any(note.startswith("cbam-gain, residual-gain (frame): judged on the") for note in table.notes)
    assert "size (frame): not a test: the block was derived from this number." in table.notes


def test_synthetic_faces_have_numbers_but_no_verdict_on_faces(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [True] * 200, subjects=20)
        return replace(run, data=replace(run.data, synthetic=True))

    base = factory.study("ablation", protocols=("frame",), seeds=TRAININGS)
    synthetic_study = evaluate_study(factory.finish(base, choose))
    table = build_claim_table([synthetic_study])
    assert table is not None
    ids = factory.column(table, "Id")
    verdicts = dict(zip(ids, factory.column(table, "Verdict, frame"), strict=True))
    assert verdicts["size-vgg"] == FOR
    assert {word for claim, word in verdicts.items() if claim not in IMAGE_INDEPENDENT_CLAIMS} == {
        "not testable here"
    }
    measured = dict(zip(ids, factory.column(table, "Measured, frame"), strict=True))
    assert measured["acc-casme2"].startswith("accuracy 100.00 %")
    assert any(note.endswith(": the faces are synthetic.") for note in table.notes)

    real = _ladder(factory, lambda rung, n: n < 3 + rung)
    both = build_claim_table([synthetic_study, real])
    assert both is not None
    index = factory.column(both, "Id").index("ladder")
    assert factory.column(both, "Verdict, frame")[index] == FOR


def test_summary_counts_the_verdicts(factory: type[Factory]) -> None:
    (statement,) = describe_claim_results([_ladder(factory, lambda rung, n: n < 3 + rung)])
    text = statement.text
    assert text.startswith("Under frame (the paper's split): of 17 claims ")
    assert "3 reproduced (ladder, prelu-best, size-vgg)" in text
    assert describe_claim_results([evaluate_study(factory.finish(factory.study(dataset="synthetic")))]) == ()
