from dataclasses import replace
from typing import Any

import pytest

from datasets.spec import Leakage
from reports.outcomes import Outcome, evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def test_rows_are_sorted_by_arm_then_protocol(factory: type[Factory]) -> None:
    evaluation = evaluate_study(factory.finish(factory.study(protocols=("frame", "subject"))))

    assert [(row.arm.name, row.protocol) for row in evaluation.outcomes] == [
        ("vgg16", "frame"),
        ("vgg16", "subject"),
        ("proposed", "frame"),
        ("proposed", "subject"),
    ]
    assert [row.arm.name for row in evaluation.select_protocol("subject")] == ["vgg16", "proposed"]
    assert [row.protocol for row in evaluation.select_arm("proposed")] == ["frame", "subject"]


def test_unit_is_the_frame_under_frame_and_else_the_clip(factory: type[Factory]) -> None:
    evaluation = evaluate_study(
        factory.finish(
            factory.study(protocols=("frame", "subject")), lambda spec: factory.run(spec, frames=3)
        )
    )

    frame, subject = evaluation.select_arm("proposed")
    assert (frame.unit_name, frame.trainings[0].scores.num_samples) == ("frames", 90)
    assert (
        subject.unit_name,
        subject.trainings[0].scores.num_samples,
        subject.trainings[0].frame_scores.num_samples,
    ) == ("clips", 30, 90)


def test_seeds_are_separate_with_keys_of_their_runs(factory: type[Factory]) -> None:
    result = factory.finish(factory.study(seeds=(0, 1, 2)))

    row = evaluate_study(result).select_arm("proposed")[0]

    assert [seed.seed for seed in row.trainings] == [0, 1, 2]
    assert row.run_keys == tuple(
        run.spec.key for run in result.results if run.spec.architecture.name == "proposed"
    )


def test_failed_and_pending_runs_differ(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> Any:
        return {"vgg16": "no memory", "alexnet": None}.get(spec.architecture.name, factory.run(spec))

    evaluation = evaluate_study(factory.finish(factory.study(only=("vgg16", "alexnet", "proposed")), choose))

    assert [row.missing_status for row in evaluation.outcomes] == ["failed", "not run", ""]
    assert [failure.reason for failure in evaluation.outcomes[0].failures] == ["no memory"]
    assert [row.pending_runs for row in evaluation.outcomes] == [0, 1, 0]


def test_run_that_failed_and_then_finished_has_finished(factory: type[Factory]) -> None:
    study = factory.study(only=("proposed",))
    failed = factory.finish(study, lambda spec: "no memory")
    completed = replace(factory.finish(study), failures=failed.failures)

    (row,) = evaluate_study(completed).outcomes

    assert (row.missing_status, row.failures) == ("", ())


@pytest.mark.parametrize(
    ("seeds", "name"), [((0,), "vgg16 (collapsed)"), ((0, 1), "vgg16 (collapsed in 1 of 2 seeds)")]
)
def test_collapse_is_part_of_the_name(factory: type[Factory], seeds: tuple[int, ...], name: str) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, factory.collapsed if spec.seed == 0 else factory.good)

    row = evaluate_study(factory.finish(factory.study(seeds=seeds), choose)).select_arm("vgg16")[0]

    assert row.marked_name == name


def test_collapsed_throughout_is_collapsed_in_every_finished_seed(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | RunResult | None:
        if spec.architecture.name == "proposed":
            return factory.run(spec, factory.collapsed if spec.seed == 0 else factory.good)
        return factory.run(spec, factory.collapsed) if spec.seed == 0 else None

    evaluation = evaluate_study(
        factory.finish(factory.study(only=("vgg16", "proposed"), seeds=(0, 1)), choose)
    )
    unrun = evaluate_study(factory.finish(factory.study(), lambda _: None))

    assert [row.is_fully_collapsed for row in evaluation.outcomes] == [True, False]
    assert not any(row.is_fully_collapsed for row in unrun.outcomes)


def test_progress_counts_the_controls_too(factory: type[Factory]) -> None:
    study = replace(factory.study(), controls=("shuffled-labels", "onset-frame"))

    def choose(spec: RunSpec) -> Any:
        return {"none": factory.run(spec), "shuffled-labels": "no memory"}.get(spec.variant)

    assert evaluate_study(factory.finish(study, choose)).run_counts == (2, 1, 1)


def test_width_is_part_of_the_name_where_networks_differ_in_it(factory: type[Factory]) -> None:
    narrow = evaluate_study(factory.finish(factory.study(only=("vgg16", "resnet34"), width=0.25)))
    full = evaluate_study(factory.finish(factory.study(only=("vgg16", "resnet34"))))

    assert [row.marked_name for row in narrow.outcomes] == ["vgg16 (width 0.25)", "resnet34 (full width)"]
    assert [row.marked_name for row in full.outcomes] == ["vgg16", "resnet34"]


def test_leaks_are_weighted_by_test_frames(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec, frames=1 if spec.seed == 0 else 3)
        leak = Leakage(clip=1.0, subject=0.5) if spec.seed == 0 else Leakage(clip=0.0, subject=0.5)
        return replace(run, data=replace(run.data, leakage=leak))

    row = evaluate_study(factory.finish(factory.study(seeds=(0, 1)), choose)).select_arm("proposed")[0]

    assert row.leakage == Leakage(clip=0.25, subject=0.5)


@pytest.mark.parametrize("unknown", [("clip",), ("subject",), ("clip", "subject")])
def test_leak_is_unknown_if_one_run_lacks_it(factory: type[Factory], unknown: tuple[str, ...]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        return factory.nameless(run, *unknown) if spec.seed else run

    row = evaluate_study(factory.finish(factory.study(seeds=(0, 1)), choose)).select_arm("proposed")[0]

    assert row.leakage == replace(Leakage(clip=1.0, subject=1.0), **dict.fromkeys(unknown))


def test_zero_share_of_an_old_version_is_unknown(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.nameless(factory.run(spec), "clip", leakage=Leakage(clip=0.0, subject=0.5))

    row = evaluate_study(factory.finish(factory.study(), choose)).select_arm("proposed")[0]

    assert row.leakage == Leakage(clip=None, subject=0.5)


def test_unfinished_study_has_no_leak_and_no_classes(factory: type[Factory]) -> None:
    evaluation = evaluate_study(factory.finish(factory.study(), lambda spec: None))

    assert evaluation.classes == ()
    assert evaluation.outcomes[0].leakage is None
    assert evaluation.get_data_summary("frame") is None


def test_study_is_synthetic_by_its_runs_or_dataset(factory: type[Factory]) -> None:
    def synthetic_run(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        return replace(run, data=replace(run.data, synthetic=True))

    assert not evaluate_study(factory.finish(factory.study())).is_synthetic
    assert evaluate_study(factory.finish(factory.study(), synthetic_run)).is_synthetic
    assert evaluate_study(factory.finish(factory.study(dataset="synthetic"))).is_synthetic


def test_folds_with_one_class_per_fold_are_collapsed(factory: type[Factory]) -> None:
    """A different constant per fold counts as collapsed; one fold that predicts two classes does not."""

    def outcome_of(varied: int) -> Outcome:
        def choose(spec: RunSpec) -> RunResult:
            run = factory.run(spec)
            constant = tuple(float(c == spec.fold) for c in range(6))
            rows = tuple(
                replace(p, probabilities=p.probabilities if spec.fold < varied else constant)
                for p in run.predictions
            )
            return replace(run, predictions=rows)

        study = replace(factory.study(protocols=("kfold",)), folds=(3,))
        return evaluate_study(factory.finish(study, choose)).outcomes[0]

    assert (outcome_of(0).collapsed_count, outcome_of(1).collapsed_count) == (1, 0)
    assert "collapsed" in outcome_of(0).marked_name
