"""Tests of the numbers, the description and the files that the run of a study gets."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.tracking.study_summary import (
    MAX_NOTE_LENGTH,
    compute_study_metrics,
    find_best_outcome,
    log_study_summary,
    render_study_note,
)
from harness.tracking.tags import BEST_ARM_TAG, COMMIT_TAG, DIRTY_TAG, NOTE_TAG
from harness.tracking.tracker import Tracker
from reports.outcomes import StudyEvaluation, evaluate_study
from studies.results import StudyResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

CLIPS = 96


def right(share: int) -> list[bool]:
    """Return which clips are correct: `share` of 12, spread evenly over 12 subjects."""
    return [(clip // 12 + clip) % 12 < share for clip in range(CLIPS)]


def finish(*, seeds: int = 2) -> StudyResult:
    """Return a study in which proposed is best under subject, and vgg16 under frame."""
    study = Factory.study(
        only=("proposed", "vgg16"), protocols=("subject", "frame"), seeds=tuple(range(seeds))
    )

    def run(spec: RunSpec) -> object:
        is_best = (spec.architecture.name == "proposed") == (spec.protocol == "subject")
        return Factory.run_from_correctness(spec, right(9 if is_best else 6 + spec.seed), subjects=12)

    return Factory.finish(study, run)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def evaluation() -> StudyEvaluation:
    return evaluate_study(finish())


def test_the_best_arm_is_that_of_the_strictest_protocol(evaluation: StudyEvaluation) -> None:
    best = find_best_outcome(evaluation)
    assert best is not None
    assert (best.arm.name, best.protocol) == ("proposed", "subject")


def test_a_study_has_the_scores_of_its_best_arm_in_the_columns_of_the_cells(
    evaluation: StudyEvaluation,
) -> None:
    metrics = compute_study_metrics(evaluation)
    assert metrics["test/accuracy"] == pytest.approx(9 / 12)
    assert metrics["test/uar_low"] < metrics["test/uar"] < metrics["test/uar_high"]
    assert (metrics["leak/subject"], metrics["test/collapsed"]) == (0.0, 0.0)
    assert {"cost/parameters_mib", "cost/multiply_adds"} <= metrics.keys()


def test_every_arm_has_its_mean_and_deviation_over_the_trainings(evaluation: StudyEvaluation) -> None:
    metrics = compute_study_metrics(evaluation)
    assert metrics["arms/subject.vgg16.accuracy"] == pytest.approx(6.5 / 12)
    assert metrics["arms/subject.vgg16.accuracy_std"] == pytest.approx(1 / 12 / 2**0.5)
    assert metrics["arms/frame.proposed.uar_std"] > metrics["arms/subject.proposed.uar_std"] == 0


def test_a_study_without_a_finished_training_has_counts_alone() -> None:
    result = replace(finish(), results=())
    metrics = compute_study_metrics(evaluate_study(result))
    assert metrics == {"cells/finished": 0.0, "cells/failed": 0.0, "cells/total": 8.0}
    assert find_best_outcome(evaluate_study(result)) is None


def test_the_note_has_the_scores_and_the_verdicts(evaluation: StudyEvaluation) -> None:
    note = render_study_note(evaluation)
    assert "8 of 8 runs finished" in note
    assert "| proposed" in note
    assert "- Under subject, in points of accuracy" in note
    assert f"harness report {evaluation.study.name}" in note


def test_a_long_note_leaves_out_rows_and_says_so(
    evaluation: StudyEvaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = render_study_note(evaluation)
    monkeypatch.setattr("harness.tracking.study_summary.MAX_NOTE_LENGTH", len(whole) - 1)
    assert len(whole) <= MAX_NOTE_LENGTH
    note = render_study_note(evaluation)
    assert len(note) < len(whole)
    assert "more rows: report.md" in note
    assert note.endswith(f"`harness report {evaluation.study.name}`")


def test_the_run_of_a_study_gets_all_that_and_the_files_of_its_report(tmp_path: Path) -> None:
    tracker, result, folder = Tracker(), finish(seeds=1), tmp_path / "out"
    run_id = tracker.open_study(result.study)
    (folder / "figures").mkdir(parents=True)
    (folder / "report.md").write_text("# report")
    (folder / "figures" / "bars.png").write_bytes(b"png")
    for _ in range(2):  # the second time as after a resumed study
        log_study_summary(tracker, evaluate_study(result), folder)
    run = tracker.client.get_run(run_id)
    assert run.data.metrics["cells/finished"] == 4
    assert run.data.tags[BEST_ARM_TAG].startswith("proposed")
    assert (run.data.tags[COMMIT_TAG], run.data.tags[DIRTY_TAG]) == ("abc1234", "false")
    assert run.data.tags[NOTE_TAG].startswith("**")
    assert tracker.read_text(run, "report/report.md") == "# report"
    assert [item.path for item in tracker.client.list_artifacts(run_id, "report/figures")] == [
        "report/figures/bars.png"
    ]
