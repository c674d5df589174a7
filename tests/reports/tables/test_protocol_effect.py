from dataclasses import replace

import pytest

from reports.accuracy_drop import compute_accuracy_drop
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.protocol_effect import build_protocol_effect_tables
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

RIGHT = {
    "frame": {"vgg16": 20, "resnet34": 22, "proposed": 24},
    "subject": {"vgg16": 14, "resnet34": 12, "proposed": 6},
}


def _study(
    factory: type[Factory], *, frames: str = "onset_offset", protocols: tuple[str, ...] = ("frame", "subject")
) -> StudyEvaluation:
    base = factory.study(only=("vgg16", "resnet34", "proposed"), protocols=protocols)
    study = replace(base, dataset=replace(base.dataset, frame_policy=frames))

    def choose(spec: RunSpec) -> RunResult:
        count = RIGHT[spec.protocol][spec.architecture.name]
        return factory.run_from_correctness(spec, [c < count for c in range(24)], subjects=8)

    return evaluate_study(factory.finish(study, choose))


def test_mean_accuracy_drop_excludes_a_collapsed_network(factory: type[Factory]) -> None:
    """resnet34 predicts one class under `subject`, so the mean is over vgg16 and proposed."""
    study = _study(factory)
    (table,) = build_protocol_effect_tables([study])

    assert table.header == ("Network", "frame", "subject", "frame → subject")
    assert factory.column(table, "Network") == [
        "vgg16",
        "resnet34 (collapsed in a column)",
        "proposed",
        "mean",
        "clip overlap, %",
        "subject overlap, %",
    ]
    assert factory.column(table, "frame")[3] == "91.67"
    assert factory.column(table, "subject")[3] == "41.67"
    *falls, mean = factory.column(table, "frame → subject")[:4]
    assert falls == ["-25.00", "-41.67", "-75.00"]
    assert table.rows[3][3].value == pytest.approx(-50)

    results = [
        [row for row in study.select_protocol(name) if row.arm.name != "resnet34"]
        for name in ("frame", "subject")
    ]
    drop = compute_accuracy_drop(*results)
    assert drop is not None
    assert drop.low is not None
    assert drop.high is not None
    interval = f"{-100 * drop.high:.2f} to {-100 * drop.low:.2f}"
    assert mean == f"-50.00 [{interval}, these networks only]"
    assert drop.low > 0, "the interval changes sign with the drop"


def test_five_trainings_cover_other_trainings(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        right = [c % 24 < 20 - 6 * (spec.protocol == "subject") + spec.seed % 2 for c in range(96)]
        return factory.run_from_correctness(spec, right, subjects=8)

    base = factory.study(protocols=("frame", "subject"), seeds=(0, 1, 2, 3, 4))
    (table,) = build_protocol_effect_tables([evaluate_study(factory.finish(base, choose))])

    (mean,) = [row[3].text for row in table.rows if row[0].text == "mean"]
    assert mean.startswith("-25.00 [")
    assert "these networks only" not in mean


def test_leaky_column_has_its_overlap(factory: type[Factory]) -> None:
    (table,) = build_protocol_effect_tables([_study(factory)])
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}

    assert rows["clip overlap, %"] == ["100.00", "0.00", "–"]
    assert rows["subject overlap, %"] == ["100.00", "0.00", "–"]


def test_column_with_unknown_leaks_is_labelled(factory: type[Factory]) -> None:
    base = factory.study(only=("vgg16", "resnet34", "proposed"), protocols=("frame", "subject"))

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [True] * 24, subjects=8)
        return factory.nameless(run, "clip") if spec.protocol == "subject" else run

    (table,) = build_protocol_effect_tables([evaluate_study(factory.finish(base, choose))])
    rows = {row[0].text: row[1:] for row in table.rows}

    assert [cell.text for cell in rows["clip overlap, %"]] == ["100.00", "unknown", "–"]
    assert rows["clip overlap, %"][1].value is None


def test_papers_frames_are_a_column_outside_the_accuracy_drop(factory: type[Factory]) -> None:
    paper = _study(factory, frames="paper", protocols=("frame",))
    (table,) = build_protocol_effect_tables([paper, _study(factory)])

    assert table.header == (
        "Network",
        "frame (paper)",
        "frame (onset_offset)",
        "subject (onset_offset)",
        "frame → subject",
    )


def test_one_protocol_is_no_comparison_of_splits(factory: type[Factory]) -> None:
    assert build_protocol_effect_tables([_study(factory, protocols=("frame",))]) == ()
    assert build_protocol_effect_tables([_study(factory, protocols=("subject",))]) == ()


def test_failed_network_is_excluded_from_means(factory: type[Factory]) -> None:
    base = factory.study(only=("vgg16", "resnet34", "proposed"), protocols=("frame", "subject"))

    def choose(spec: RunSpec) -> RunResult | str:
        if spec.architecture.name == "vgg16" and spec.protocol == "subject":
            return "no memory"
        return factory.run_from_correctness(spec, [True] * 12 + [False] * 12, subjects=8)

    (table,) = build_protocol_effect_tables([evaluate_study(factory.finish(base, choose))])

    assert factory.column(table, "subject")[0] == "failed"
    assert factory.column(table, "frame → subject")[0] == "–"
    means = [row for row in table.rows if row[0].text == "mean"]
    assert [cell.text for cell in means[0][:3]] == ["mean", "–", "–"], "both others collapsed under both"
    assert len(means) == 1
