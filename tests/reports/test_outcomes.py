from dataclasses import replace
from typing import Any

import pytest

from datasets.spec import Leakage
from reports.outcomes import Outcome, evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def test_rows_go_by_arm_then_protocol(built: type[Built]) -> None:
    found = evaluate_study(built.finish(built.study(protocols=("frame", "subject"))))

    assert [(row.arm.name, row.protocol) for row in found.outcomes] == [
        ("vgg16", "frame"),
        ("vgg16", "subject"),
        ("proposed", "frame"),
        ("proposed", "subject"),
    ]
    assert [row.arm.name for row in found.select_protocol("subject")] == ["vgg16", "proposed"]
    assert [row.protocol for row in found.select_arm("proposed")] == ["frame", "subject"]


def test_the_unit_is_the_frame_under_frame_and_the_clip_elsewhere(built: type[Built]) -> None:
    found = evaluate_study(
        built.finish(built.study(protocols=("frame", "subject")), lambda spec: built.run(spec, frames=3))
    )

    frame, subject = found.select_arm("proposed")
    assert (frame.unit_name, frame.trainings[0].scores.num_samples) == ("frames", 90)
    assert (
        subject.unit_name,
        subject.trainings[0].scores.num_samples,
        subject.trainings[0].frame_scores.num_samples,
    ) == ("clips", 30, 90)


def test_seeds_stay_apart_and_keys_lead_to_their_runs(built: type[Built]) -> None:
    result = built.finish(built.study(seeds=(0, 1, 2)))

    row = evaluate_study(result).select_arm("proposed")[0]

    assert [seed.seed for seed in row.trainings] == [0, 1, 2]
    assert row.run_keys == tuple(
        run.spec.key for run in result.results if run.spec.architecture.name == "proposed"
    )


def test_failed_and_unrun_are_told_apart(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> Any:
        return {"vgg16": "no memory", "alexnet": None}.get(spec.architecture.name, built.run(spec))

    found = evaluate_study(built.finish(built.study(only=("vgg16", "alexnet", "proposed")), choose))

    assert [row.missing_status for row in found.outcomes] == ["failed", "not run", ""]
    assert [failure.reason for failure in found.outcomes[0].failures] == ["no memory"]
    assert [row.pending_runs for row in found.outcomes] == [0, 1, 0]


def test_a_run_that_failed_and_then_finished_has_finished(built: type[Built]) -> None:
    study = built.study(only=("proposed",))
    failed = built.finish(study, lambda spec: "no memory")
    done = replace(built.finish(study), failures=failed.failures)

    (row,) = evaluate_study(done).outcomes

    assert (row.missing_status, row.failures) == ("", ())


@pytest.mark.parametrize(
    ("seeds", "name"), [((0,), "vgg16 (collapsed)"), ((0, 1), "vgg16 (collapsed in 1 of 2 seeds)")]
)
def test_a_collapse_is_part_of_the_name(built: type[Built], seeds: tuple[int, ...], name: str) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.collapsed if spec.seed == 0 else built.good)

    row = evaluate_study(built.finish(built.study(seeds=seeds), choose)).select_arm("vgg16")[0]

    assert row.marked_name == name


def test_collapsed_throughout_is_collapsed_in_every_finished_seed(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | RunResult | None:
        if spec.architecture.name == "proposed":
            return built.run(spec, built.collapsed if spec.seed == 0 else built.good)
        return built.run(spec, built.collapsed) if spec.seed == 0 else None

    found = evaluate_study(built.finish(built.study(only=("vgg16", "proposed"), seeds=(0, 1)), choose))
    unrun = evaluate_study(built.finish(built.study(), lambda _: None))

    assert [row.is_fully_collapsed for row in found.outcomes] == [True, False]
    assert not any(row.is_fully_collapsed for row in unrun.outcomes)


def test_progress_counts_the_controls_too(built: type[Built]) -> None:
    study = replace(built.study(), controls=("shuffled-labels", "onset-frame"))

    def choose(spec: RunSpec) -> Any:
        return {"none": built.run(spec), "shuffled-labels": "no memory"}.get(spec.variant)

    assert evaluate_study(built.finish(study, choose)).run_counts == (2, 1, 1)


def test_width_is_part_of_the_name_where_networks_differ_in_it(built: type[Built]) -> None:
    narrow = evaluate_study(built.finish(built.study(only=("vgg16", "resnet34"), width=0.25)))
    full = evaluate_study(built.finish(built.study(only=("vgg16", "resnet34"))))

    assert [row.marked_name for row in narrow.outcomes] == ["vgg16 (width 0.25)", "resnet34 (full width)"]
    assert [row.marked_name for row in full.outcomes] == ["vgg16", "resnet34"]


def test_leaks_of_several_runs_are_weighted_by_their_test_frames(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        found = built.run(spec, frames=1 if spec.seed == 0 else 3)
        leak = Leakage(clip=1.0, subject=0.5) if spec.seed == 0 else Leakage(clip=0.0, subject=0.5)
        return replace(found, data=replace(found.data, leakage=leak))

    row = evaluate_study(built.finish(built.study(seeds=(0, 1)), choose)).select_arm("proposed")[0]

    assert row.leakage == Leakage(clip=0.25, subject=0.5)


@pytest.mark.parametrize("unknown", [("clip",), ("subject",), ("clip", "subject")])
def test_a_leak_that_one_run_does_not_know_is_unknown(built: type[Built], unknown: tuple[str, ...]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        return built.nameless(run, *unknown) if spec.seed else run

    row = evaluate_study(built.finish(built.study(seeds=(0, 1)), choose)).select_arm("proposed")[0]

    assert row.leakage == replace(Leakage(clip=1.0, subject=1.0), **dict.fromkeys(unknown))


def test_a_zero_stored_before_unknown_shares_were_none_is_unknown(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.nameless(built.run(spec), "clip", leakage=Leakage(clip=0.0, subject=0.5))

    row = evaluate_study(built.finish(built.study(), choose)).select_arm("proposed")[0]

    assert row.leakage == Leakage(clip=None, subject=0.5)


def test_nothing_finished_has_no_leak_and_no_classes(built: type[Built]) -> None:
    found = evaluate_study(built.finish(built.study(), lambda spec: None))

    assert found.classes == ()
    assert found.outcomes[0].leakage is None
    assert found.get_data_summary("frame") is None


def test_faces_are_drawn_where_a_run_says_so_and_always_in_the_synthetic_set(built: type[Built]) -> None:
    def drawn_run(spec: RunSpec) -> RunResult:
        made = built.run(spec)
        return replace(made, data=replace(made.data, synthetic=True))

    assert not evaluate_study(built.finish(built.study())).is_synthetic
    assert evaluate_study(built.finish(built.study(), drawn_run)).is_synthetic
    assert evaluate_study(built.finish(built.study(dataset="synthetic"))).is_synthetic


def test_folds_that_have_one_answer_each_have_collapsed_together(built: type[Built]) -> None:
    """A different constant per fold counts as collapsed; one fold that predicts two classes does not."""

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
        return evaluate_study(built.finish(study, choose)).outcomes[0]

    assert (found(0).collapsed_count, found(1).collapsed_count) == (1, 0)
    assert "collapsed" in found(0).marked_name
