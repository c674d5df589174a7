from dataclasses import replace

import pytest

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.latency import build_latency_table, compute_percentiles, find_latency_runs
from studies.results import RunResult, Timing
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _with_times(run: RunResult, *, face: tuple[float, ...], network: tuple[float, ...]) -> RunResult:
    timings = (Timing(phase="face", milliseconds=face), Timing(phase="network", milliseconds=network))
    return replace(run, timings=timings)


def _evaluate(factory: type[Factory]) -> StudyEvaluation:
    """Evaluate a latency check that takes 10 ms for each face, and 1 ms for each letter of the network."""

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        milliseconds = (float(len(spec.architecture.name)),) * 20
        return _with_times(run, face=(10.0,) * 20, network=milliseconds) if spec.variant == "latency" else run

    return evaluate_study(factory.finish(replace(factory.study(), checks=("latency",)), choose))


def test_percentiles_are_those_of_the_sum_of_the_phases_of_every_image(factory: type[Factory]) -> None:
    run = factory.run(factory.study().list_runs()[0])
    # The faces get slower as the networks get faster, so each sum is 100.
    timed = _with_times(
        run, face=tuple(map(float, range(101))), network=tuple(map(float, range(100, -1, -1)))
    )
    assert compute_percentiles(timed, "network") == (50.0, 95.0, 99.0)
    assert compute_percentiles(timed, "face", "network") == (100.0, 100.0, 100.0)


def test_every_timed_arm_is_listed_in_the_order_of_the_study(factory: type[Factory]) -> None:
    named_runs = find_latency_runs(_evaluate(factory))
    assert [name for name, _ in named_runs] == ["vgg16", "proposed"]
    assert {run.spec.variant for _, run in named_runs} == {"latency"}


def test_table_shows_milliseconds_and_images_per_second(factory: type[Factory]) -> None:
    table = build_latency_table(_evaluate(factory))
    assert table is not None
    assert factory.column(table, "Without detection p95") == ["5.0", "8.0"]
    assert factory.column(table, "With detection p50") == ["15.0", "18.0"]
    assert [row[-1].value for row in table.rows] == pytest.approx([1000 / 15, 1000 / 18])
    assert any("At least 20 images per network, on cpu." in note for note in table.notes)


def test_study_without_the_check_has_no_table(factory: type[Factory]) -> None:
    evaluation = evaluate_study(factory.finish(factory.study()))
    assert find_latency_runs(evaluation) == ()
    assert build_latency_table(evaluation) is None
