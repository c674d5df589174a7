"""Tests of the pages of studies: the newest study comes first, and views of earlier versions are renewed."""

import json
from dataclasses import replace

from harness.tracking.run_table_view import COLUMNS
from harness.tracking.study_views import list_views
from harness.tracking.tracker import Tracker
from studies.study import Study
from tests.reports.conftest import Factory

STUDY = Factory.study(only=("proposed", "vgg16"), protocols=("subject",))
TABLE_TAG, CHARTS_TAG = "mlflow.sharedViewState.harness", "mlflow.sharedViewState.harness-charts"


def open_study(tracker: Tracker, study: Study) -> tuple[str, str]:
    """Open a study; return the ids of its run and of its experiment."""
    run_id = tracker.open_study(study)
    return run_id, tracker.client.get_run(run_id).info.experiment_id


def test_an_experiment_opens_on_its_newest_study() -> None:
    tracker = Tracker()
    open_study(tracker, STUDY)
    newest, experiment = open_study(tracker, replace(STUDY, seeds=(0, 1)))
    tags = tracker.client.get_experiment(experiment).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert json.loads(tags[TABLE_TAG])["runsExpanded"] == {newest: True}
    assert newest in json.loads(tags[CHARTS_TAG])["searchFilter"]
    assert json.loads(tags[TABLE_TAG])["columnOrder"][2:] == list(COLUMNS)


def test_the_data_set_with_the_newest_study_comes_first() -> None:
    tracker = Tracker()
    open_study(tracker, STUDY)
    other = replace(STUDY, dataset=replace(STUDY.dataset, name="folder"))
    tracker.open_study(other, alias="first")
    assert [view.newest_study for view in list_views(tracker)] == [f"first ({other.name})", STUDY.name]
    assert [view.experiment_name for view in list_views(tracker)] == [
        "harness folder",
        f"harness {STUDY.dataset.name}",
    ]


def test_views_of_earlier_versions_are_renewed() -> None:
    tracker = Tracker()
    run_id, experiment = open_study(tracker, STUDY)
    cell = tracker.start_run(STUDY.list_runs()[0], parent=run_id)
    tracker.client.delete_tag(cell, "mlflow.runType")
    tracker.client.delete_experiment_tag(experiment, CHARTS_TAG)
    list_views(tracker)
    assert CHARTS_TAG in tracker.client.get_experiment(experiment).tags
    assert tracker.client.get_run(cell).data.tags["mlflow.runType"] == "evaluation"


def test_a_cell_logs_its_data_and_source() -> None:
    tracker = Tracker()
    run_id = tracker.open_study(STUDY)
    spec = STUDY.list_runs()[0]
    run = tracker.client.get_run(tracker.start_run(spec, parent=run_id))
    assert run.inputs is not None
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == (spec.dataset.name, spec.fingerprint[:16])
    assert json.loads(data.dataset.source) == {"fingerprint": spec.fingerprint}
    assert run.data.tags["mlflow.source.name"] == "harness"
    assert run.data.tags["mlflow.project.entryPoint"] == "compare"
