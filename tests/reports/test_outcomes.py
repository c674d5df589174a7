from dataclasses import replace
from typing import Any

import pytest

from datasets.spec import Leakage
from reports.outcomes import Outcome, outcomes
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def test_rows_go_by_arm_then_protocol(built: type[Built]) -> None:
    found = outcomes(built.finish(built.study(protocols=("frame", "subject"))))

    assert [(row.arm.name, row.protocol) for row in found.rows] == [
        ("vgg16", "frame"),
        ("vgg16", "subject"),
        ("proposed", "frame"),
        ("proposed", "subject"),
    ]
    assert [row.arm.name for row in found.under("subject")] == ["vgg16", "proposed"]
    assert [row.protocol for row in found.of("proposed")] == ["frame", "subject"]


def test_the_unit_is_the_frame_under_frame_and_the_clip_elsewhere(built: type[Built]) -> None:
    found = outcomes(
        built.finish(built.study(protocols=("frame", "subject")), lambda spec: built.run(spec, frames=3))
    )

    frame, subject = found.of("proposed")
    assert (frame.unit, frame.seeds[0].scores.n) == ("frames", 90)
    assert (subject.unit, subject.seeds[0].scores.n, subject.seeds[0].by_frame.n) == ("clips", 30, 90)


def test_seeds_stay_apart_and_keys_lead_to_their_runs(built: type[Built]) -> None:
    result = built.finish(built.study(seeds=(0, 1, 2)))

    row = outcomes(result).of("proposed")[0]

    assert [seed.seed for seed in row.seeds] == [0, 1, 2]
    assert row.keys == tuple(
        run.spec.key for run in result.results if run.spec.architecture.name == "proposed"
    )


def test_failed_and_unrun_are_told_apart(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> Any:
        return {"vgg16": "no memory", "alexnet": None}.get(spec.architecture.name, built.run(spec))

    found = outcomes(built.finish(built.study(only=("vgg16", "alexnet", "proposed")), choose))

    assert [row.state for row in found.rows] == ["failed", "not run", ""]
    assert [failure.reason for failure in found.rows[0].failures] == ["no memory"]
    assert [row.unrun for row in found.rows] == [0, 1, 0]


def test_a_run_that_failed_and_then_finished_has_finished(built: type[Built]) -> None:
    study = built.study(only=("proposed",))
    failed = built.finish(study, lambda spec: "no memory")
    done = replace(built.finish(study), failures=failed.failures)

    (row,) = outcomes(done).rows

    assert (row.state, row.failures) == ("", ())


@pytest.mark.parametrize(
    ("seeds", "name"), [((0,), "vgg16 (collapsed)"), ((0, 1), "vgg16 (collapsed in 1 of 2 seeds)")]
)
def test_a_collapse_is_part_of_the_name(built: type[Built], seeds: tuple[int, ...], name: str) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.collapsed if spec.seed == 0 else built.good)

    row = outcomes(built.finish(built.study(seeds=seeds), choose)).of("vgg16")[0]

    assert row.name == name


def test_collapsed_throughout_is_collapsed_in_every_finished_seed(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | RunResult | None:
        if spec.architecture.name == "proposed":
            return built.run(spec, built.collapsed if spec.seed == 0 else built.good)
        return built.run(spec, built.collapsed) if spec.seed == 0 else None

    found = outcomes(built.finish(built.study(only=("vgg16", "proposed"), seeds=(0, 1)), choose))
    unrun = outcomes(built.finish(built.study(), lambda _: None))

    assert [row.collapsed_throughout for row in found.rows] == [True, False]
    assert not any(row.collapsed_throughout for row in unrun.rows)


def test_progress_counts_the_controls_too(built: type[Built]) -> None:
    study = replace(built.study(), controls=("shuffled-labels", "onset-frame"))

    def choose(spec: RunSpec) -> Any:
        return {"none": built.run(spec), "shuffled-labels": "no memory"}.get(spec.control)

    assert outcomes(built.finish(study, choose)).progress == (2, 1, 1)


def test_width_is_part_of_the_name_where_networks_differ_in_it(built: type[Built]) -> None:
    narrow = outcomes(built.finish(built.study(only=("vgg16", "resnet34"), width=0.25)))
    full = outcomes(built.finish(built.study(only=("vgg16", "resnet34"))))

    assert [row.name for row in narrow.rows] == ["vgg16 (width 0.25)", "resnet34 (full width)"]
    assert [row.name for row in full.rows] == ["vgg16", "resnet34"]


def test_leaks_of_several_runs_are_weighted_by_their_test_frames(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        found = built.run(spec, frames=1 if spec.seed == 0 else 3)
        leak = Leakage(clip=1.0, subject=0.5) if spec.seed == 0 else Leakage(clip=0.0, subject=0.5)
        return replace(found, data=replace(found.data, leakage=leak))

    row = outcomes(built.finish(built.study(seeds=(0, 1)), choose)).of("proposed")[0]

    assert row.leakage == Leakage(clip=0.25, subject=0.5)


@pytest.mark.parametrize("unknown", [("clip",), ("subject",), ("clip", "subject")])
def test_a_leak_that_one_run_does_not_know_is_unknown(built: type[Built], unknown: tuple[str, ...]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        return built.nameless(run, *unknown) if spec.seed else run

    row = outcomes(built.finish(built.study(seeds=(0, 1)), choose)).of("proposed")[0]

    assert row.leakage == replace(Leakage(clip=1.0, subject=1.0), **dict.fromkeys(unknown))


def test_a_zero_stored_before_unknown_shares_were_none_is_unknown(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.nameless(built.run(spec), "clip", leakage=Leakage(clip=0.0, subject=0.5))

    row = outcomes(built.finish(built.study(), choose)).of("proposed")[0]

    assert row.leakage == Leakage(clip=None, subject=0.5)


def test_nothing_finished_has_no_leak_and_no_classes(built: type[Built]) -> None:
    found = outcomes(built.finish(built.study(), lambda spec: None))

    assert found.classes == ()
    assert found.rows[0].leakage is None
    assert found.data("frame") is None


def test_faces_are_drawn_where_a_run_says_so_and_always_in_the_synthetic_set(built: type[Built]) -> None:
    def drawn_run(spec: RunSpec) -> RunResult:
        made = built.run(spec)
        return replace(made, data=replace(made.data, drawn=True))

    assert not outcomes(built.finish(built.study())).drawn
    assert outcomes(built.finish(built.study(), drawn_run)).drawn
    assert outcomes(built.finish(built.study(dataset="synthetic"))).drawn


def test_folds_that_have_one_answer_each_have_collapsed_together(built: type[Built]) -> None:
    """Another constant in each fold is no answer either; one fold that answers two classes is enough."""

    def found(varied: int) -> Outcome:
        def choose(spec: RunSpec) -> RunResult:
            run = built.run(spec)
            constant = tuple(float(c == spec.fold) for c in range(6))
            told = tuple(
                replace(p, probabilities=p.probabilities if spec.fold < varied else constant)
                for p in run.predictions
            )
            return replace(run, predictions=told)

        study = replace(built.study(protocols=("kfold",)), folds=(3,))
        return outcomes(built.finish(study, choose)).rows[0]

    assert (found(0).collapsed, found(1).collapsed) == (1, 0)
    assert "collapsed" in found(0).name
