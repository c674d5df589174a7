"""Tests of the selection of arm pairs that differ in one component, and of complete check runs."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from architectures.spec import COMPONENTS
from reports.check_runs import find_check_runs, find_matched_pairs
from reports.outcomes import evaluate_study
from studies.arms import build_ablation_arms, build_comparison_arms
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import Study
from tests.reports.conftest import Factory


def _kfold(factory: type[Factory]) -> Study:
    base = factory.study("ablation", protocols=("kfold", "subject"), seeds=(0, 1))
    arms = build_ablation_arms("controlled")[:2]
    return replace(base, design="controlled", arms=arms, folds=(3, 1), checks=("robustness",))


def test_check_runs_are_grouped_by_seed_in_fold_order(factory: type[Factory]) -> None:
    study = evaluate_study(factory.finish(_kfold(factory)))
    arm = study.study.arms[1]
    runs_by_seed = find_check_runs(study, "robustness", arm, protocol="kfold")
    assert list(runs_by_seed) == [(0, 0), (0, 1)], "division and training seed"
    assert [[run.spec.fold for run in runs] for runs in runs_by_seed.values()] == [[0, 1, 2]] * 2
    for (_, seed), runs in runs_by_seed.items():
        assert {(run.spec.variant, run.spec.architecture, run.spec.seed) for run in runs} == {
            ("robustness", arm, seed)
        }
    assert [len(runs) for runs in find_check_runs(study, "robustness", arm, protocol="subject").values()] == [
        1,
        1,
    ]


def test_seed_with_a_failed_or_pending_fold_is_left_out(
    factory: type[Factory],
) -> None:
    def choose(spec: RunSpec) -> RunResult | str | None:
        gone = spec.variant == "robustness" and spec.protocol == "kfold" and spec.fold == 1
        if gone and spec.seed == 0:
            return "no memory" if spec.architecture.block.attention == "cbam" else None
        return factory.run(spec)

    study = evaluate_study(factory.finish(_kfold(factory), choose))
    for arm in study.study.arms:
        assert list(find_check_runs(study, "robustness", arm, protocol="kfold")) == [(0, 1)]
        assert list(find_check_runs(study, "robustness", arm, protocol="subject")) == [(0, 0), (0, 1)]


def test_check_that_was_not_requested_has_no_runs(factory: type[Factory]) -> None:
    study = evaluate_study(factory.finish(_kfold(factory)))
    assert find_check_runs(study, "latency", study.study.arms[0], protocol="kfold") == {}


def _pairs(factory: type[Factory], arms: Any, part: str, choose: Any = None) -> list[tuple[str, str]]:
    study = replace(factory.study("ablation"), arms=arms)
    rows = evaluate_study(factory.finish(study, choose or factory.run)).select_protocol("frame")
    return [(without.arm.name, with_it.arm.name) for without, with_it in find_matched_pairs(rows, part)]


def test_ladder_has_one_pair_per_component(factory: type[Factory]) -> None:
    arms = build_ablation_arms("controlled")
    names = [arm.name for arm in arms]
    parts = ("cbam", "residual", "separable", "prelu")
    assert [_pairs(factory, arms, part) for part in parts] == [[pair] for pair in pairwise(names)]
    assert _pairs(factory, arms, "batch-norm") == []


def test_papers_ladder_has_no_pair_for_multiple_changes(factory: type[Factory]) -> None:
    arms = build_ablation_arms("ladder")
    assert len(_pairs(factory, arms, "cbam")) == 1
    assert _pairs(factory, arms, "residual") == []


def test_factorial_has_pairs_for_every_component(factory: type[Factory]) -> None:
    arms = build_ablation_arms("factorial")
    assert len(arms) == 16
    for part in set(COMPONENTS) - {"batch-norm", "gap-head"}:
        assert len(_pairs(factory, arms, part)) == 8


def test_unfinished_or_different_arms_form_no_pair(factory: type[Factory]) -> None:
    first, second, *_ = build_ablation_arms("controlled")
    wide = replace(second, name="wide", width=0.5)
    assert _pairs(factory, (first, wide), "cbam") == []
    fewer = replace(second, name="fewer", stages=second.stages[:-1])
    assert _pairs(factory, (first, fewer), "cbam") == []
    unfinished = {second.name: "no memory"}
    assert (
        _pairs(factory, (first, second), "cbam", lambda spec: unfinished.get(spec.name, factory.run(spec)))
        == []
    )
    bare = build_ablation_arms("ladder")[1]
    assert _pairs(factory, (*build_comparison_arms(("resnet34", "alexnet")), bare), "cbam") == []
