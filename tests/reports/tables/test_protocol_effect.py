from dataclasses import replace

import pytest

from reports.accuracy_drop import compute_accuracy_drop
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.protocol_effect import build_protocol_effect_tables
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built

RIGHT = {
    "frame": {"vgg16": 20, "resnet34": 22, "proposed": 24},
    "subject": {"vgg16": 14, "resnet34": 12, "proposed": 6},
}


def _study(
    built: type[Built], *, frames: str = "onset_offset", protocols: tuple[str, ...] = ("frame", "subject")
) -> StudyEvaluation:
    base = built.study(only=("vgg16", "resnet34", "proposed"), protocols=protocols)
    study = replace(base, dataset=replace(base.dataset, frame_policy=frames))

    def choose(spec: RunSpec) -> RunResult:
        count = RIGHT[spec.protocol][spec.architecture.name]
        return built.answered(spec, [c < count for c in range(24)], subjects=8)

    return evaluate_study(built.finish(study, choose))


def test_each_network_falls_and_the_mean_leaves_out_a_collapsed_one(built: type[Built]) -> None:
    """resnet34 predicts one class under `subject`, so the mean is over vgg16 and proposed."""
    study = _study(built)
    (table,) = build_protocol_effect_tables([study])

    assert table.header == ("Network", "frame", "subject", "frame → subject")
    assert built.column(table, "Network") == [
        "vgg16",
        "resnet34 (collapsed in a column)",
        "proposed",
        "mean",
        "clip overlap, %",
        "subject overlap, %",
    ]
    assert built.column(table, "frame")[3] == "91.67"
    assert built.column(table, "subject")[3] == "41.67"
    *falls, mean = built.column(table, "frame → subject")[:4]
    assert falls == ["-25.00", "-41.67", "-75.00"]
    assert table.rows[3][3].value == pytest.approx(-50)

    kept = [
        [row for row in study.select_protocol(name) if row.arm.name != "resnet34"]
        for name in ("frame", "subject")
    ]
    found = compute_accuracy_drop(*kept)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    interval = f"{-100 * found.high:.2f} to {-100 * found.low:.2f}"
    assert mean == f"-50.00 [{interval}, these networks only]"
    assert found.low > 0, "the interval of a fall is turned over with its sign"


def test_five_trainings_cover_other_trainings(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        right = [c % 24 < 20 - 6 * (spec.protocol == "subject") + spec.seed % 2 for c in range(96)]
        return built.answered(spec, right, subjects=8)

    base = built.study(protocols=("frame", "subject"), seeds=(0, 1, 2, 3, 4))
    (table,) = build_protocol_effect_tables([evaluate_study(built.finish(base, choose))])

    (mean,) = [row[3].text for row in table.rows if row[0].text == "mean"]
    assert mean.startswith("-25.00 [")
    assert "these networks only" not in mean


def test_a_leaky_column_says_what_was_seen(built: type[Built]) -> None:
    (table,) = build_protocol_effect_tables([_study(built)])
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}

    assert rows["clip overlap, %"] == ["100.00", "0.00", "–"]
    assert rows["subject overlap, %"] == ["100.00", "0.00", "–"]


def test_a_column_with_unknown_leaks_says_so(built: type[Built]) -> None:
    base = built.study(only=("vgg16", "resnet34", "proposed"), protocols=("frame", "subject"))

    def choose(spec: RunSpec) -> RunResult:
        run = built.answered(spec, [True] * 24, subjects=8)
        return built.nameless(run, "clip") if spec.protocol == "subject" else run

    (table,) = build_protocol_effect_tables([evaluate_study(built.finish(base, choose))])
    rows = {row[0].text: row[1:] for row in table.rows}

    assert [cell.text for cell in rows["clip overlap, %"]] == ["100.00", "unknown", "–"]
    assert rows["clip overlap, %"][1].value is None


def test_the_papers_frames_are_one_more_column_and_no_part_of_the_fall(built: type[Built]) -> None:
    paper = _study(built, frames="paper", protocols=("frame",))
    (table,) = build_protocol_effect_tables([paper, _study(built)])

    assert table.header == (
        "Network",
        "frame (paper)",
        "frame (onset_offset)",
        "subject (onset_offset)",
        "frame → subject",
    )


def test_one_protocol_is_no_comparison_of_splits(built: type[Built]) -> None:
    assert build_protocol_effect_tables([_study(built, protocols=("frame",))]) == ()
    assert build_protocol_effect_tables([_study(built, protocols=("subject",))]) == ()


def test_a_network_that_failed_leaves_the_means(built: type[Built]) -> None:
    base = built.study(only=("vgg16", "resnet34", "proposed"), protocols=("frame", "subject"))

    def choose(spec: RunSpec) -> RunResult | str:
        if spec.architecture.name == "vgg16" and spec.protocol == "subject":
            return "no memory"
        return built.answered(spec, [True] * 12 + [False] * 12, subjects=8)

    (table,) = build_protocol_effect_tables([evaluate_study(built.finish(base, choose))])

    assert built.column(table, "subject")[0] == "failed"
    assert built.column(table, "frame → subject")[0] == "–"
    means = [row for row in table.rows if row[0].text == "mean"]
    assert [cell.text for cell in means[0][:3]] == ["mean", "–", "–"], "both others collapsed under both"
    assert len(means) == 1
