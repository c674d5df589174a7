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
from tests.reports.conftest import Built


def _kfold(built: type[Built]) -> Study:
    base = built.study("ablation", protocols=("kfold", "subject"), seeds=(0, 1))
    arms = build_ablation_arms("controlled")[:2]
    return replace(base, design="controlled", arms=arms, folds=(3, 1), checks=("robustness",))


def test_the_runs_of_a_check_are_an_arms_own_by_seed_in_the_order_of_folds(built: type[Built]) -> None:
    study = evaluate_study(built.finish(_kfold(built)))
    arm = study.study.arms[1]
    found = find_check_runs(study, "robustness", arm, protocol="kfold")
    assert list(found) == [(0, 0), (0, 1)], "division and training seed"
    assert [[run.spec.fold for run in runs] for runs in found.values()] == [[0, 1, 2]] * 2
    for (_, seed), runs in found.items():
        assert {(run.spec.variant, run.spec.architecture, run.spec.seed) for run in runs} == {
            ("robustness", arm, seed)
        }
    assert [len(runs) for runs in find_check_runs(study, "robustness", arm, protocol="subject").values()] == [
        1,
        1,
    ]


def test_a_seed_that_lacks_a_fold_is_left_out_whether_it_failed_or_is_still_to_run(
    built: type[Built],
) -> None:
    def choose(spec: RunSpec) -> RunResult | str | None:
        gone = spec.variant == "robustness" and spec.protocol == "kfold" and spec.fold == 1
        if gone and spec.seed == 0:
            return "no memory" if spec.architecture.block.attention == "cbam" else None
        return built.run(spec)

    study = evaluate_study(built.finish(_kfold(built), choose))
    for arm in study.study.arms:
        assert list(find_check_runs(study, "robustness", arm, protocol="kfold")) == [(0, 1)]
        assert list(find_check_runs(study, "robustness", arm, protocol="subject")) == [(0, 0), (0, 1)]


def test_a_check_that_was_not_asked_for_has_no_runs(built: type[Built]) -> None:
    study = evaluate_study(built.finish(_kfold(built)))
    assert find_check_runs(study, "latency", study.study.arms[0], protocol="kfold") == {}


def _twins(built: type[Built], arms: Any, part: str, choose: Any = None) -> list[tuple[str, str]]:
    study = replace(built.study("ablation"), arms=arms)
    rows = evaluate_study(built.finish(study, choose or built.run)).select_protocol("frame")
    return [(without.arm.name, with_it.arm.name) for without, with_it in find_matched_pairs(rows, part)]


def test_a_ladder_has_one_pair_of_twins_for_each_of_its_parts(built: type[Built]) -> None:
    arms = build_ablation_arms("controlled")
    names = [arm.name for arm in arms]
    parts = ("cbam", "residual", "separable", "prelu")
    assert [_twins(built, arms, part) for part in parts] == [[pair] for pair in pairwise(names)]
    assert _twins(built, arms, "batch-norm") == []


def test_the_papers_own_ladder_has_none_where_a_rung_changes_three_things(built: type[Built]) -> None:
    arms = build_ablation_arms("ladder")
    assert len(_twins(built, arms, "cbam")) == 1
    assert _twins(built, arms, "residual") == []


def test_every_combination_gives_a_part_a_pair_for_each_of_the_others(built: type[Built]) -> None:
    arms = build_ablation_arms("factorial")
    assert len(arms) == 16
    for part in set(COMPONENTS) - {"batch-norm", "gap-head"}:
        assert len(_twins(built, arms, part)) == 8


def test_no_twins_are_unfinished_of_another_width_or_made_of_no_blocks(built: type[Built]) -> None:
    first, second, *_ = build_ablation_arms("controlled")
    wide = replace(second, name="wide", width=0.5)
    assert _twins(built, (first, wide), "cbam") == []
    fewer = replace(second, name="fewer", stages=second.stages[:-1])
    assert _twins(built, (first, fewer), "cbam") == []
    unfinished = {second.name: "no memory"}
    assert (
        _twins(built, (first, second), "cbam", lambda spec: unfinished.get(spec.name, built.run(spec))) == []
    )
    bare = build_ablation_arms("ladder")[1]
    assert _twins(built, (*build_comparison_arms(("resnet34", "alexnet")), bare), "cbam") == []
