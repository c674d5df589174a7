"""Tests of `--published-practice` from the request to the report, on a tiny loso study.

The clean results stay the same, and a finished study is trained again for its record.
"""

from pathlib import Path

import pytest

from harness import api
from harness.planning.execution import ExecutionOptions
from harness.planning.preview import StudyPreview
from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from studies.metrics import compute_scores, to_evaluation_unit
from studies.published_practice import count_changed_units, pick_units
from studies.results import StudyResult
from tests.harness.tiny import request
from tests.reports.conftest import blank_figures

SECTION = "### As often published (leaky)"


def _run(tree: Path, store: str, *, published_practice: bool) -> tuple[StudyResult, str]:
    with blank_figures():
        result, report = api.run(
            request(tree, protocols=("loso",), epochs=3, published_practice=published_practice),
            tracking_uri=f"sqlite:///{store}.db",
            out=store,
            execution=ExecutionOptions(jobs=1),
        )
    return result, report.read_text(encoding="utf-8")


def _preview(tree: Path, store: str) -> StudyPreview:
    (preview,) = api.plan_studies(
        (request(tree, protocols=("loso",), epochs=3, published_practice=True),),
        tracker=Tracker(f"sqlite:///{store}.db"),
        execution=ExecutionOptions(),
        out=None,
        with_estimates=False,
    )
    return preview


def _list_run_ids(store: str) -> set[str]:
    runs = Tracker(f"sqlite:///{store}.db").search_runs(f"tags.`{KEY_TAG}` != ''")
    return {run.info.run_id for run in runs}


@pytest.mark.slow
def test_record_leaves_the_clean_study_as_it_is(tree: Path) -> None:
    clean, clean_report = _run(tree, "clean", published_practice=False)
    recorded, report = _run(tree, "recorded", published_practice=True)

    assert recorded.study == clean.study
    assert recorded.study.name == clean.study.name
    assert [run.spec.key for run in recorded.results] == [run.spec.key for run in clean.results]
    assert [run.predictions for run in recorded.results] == [run.predictions for run in clean.results]
    assert (SECTION in clean_report, SECTION in report) == (False, True)
    assert not any(run.epoch_classes for run in clean.results)
    for run in recorded.results:
        assert len(run.epoch_classes) == len(run.history)
        assert count_changed_units(run) == 0
        picked = compute_scores(pick_units(run), len(run.data.classes))
        units = to_evaluation_unit(run.predictions, run.spec.protocol)
        assert picked.accuracy >= compute_scores(units, len(run.data.classes)).accuracy

    # The finished study has no record, so it is trained again for it; nothing else changes.
    run_ids, preview = _list_run_ids("clean"), _preview(tree, "clean")
    assert preview.repeated_keys == {spec.key for spec in preview.pending_runs}
    assert len(preview.pending_runs) == len(clean.results)
    repeated, report = _run(tree, "clean", published_practice=True)
    assert [run.epoch_classes for run in repeated.results] == [run.epoch_classes for run in recorded.results]
    assert [run.seconds for run in repeated.results] == [run.seconds for run in clean.results]
    assert _list_run_ids("clean") == run_ids
    assert SECTION in report
    assert not _preview(tree, "clean").pending_runs
