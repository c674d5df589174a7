"""Tests of studies on a real MLflow store: every cell is kept, failures are recorded, nothing runs twice."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from architectures.spec import ArchitectureSpec
from harness import api
from harness.planning.execution import ExecutionOptions
from harness.planning.plan import StudyPlan, plan_study
from harness.runs import run_inputs, split_summary
from harness.tracking.study_views import list_views
from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from studies.results import StudyResult
from tests.error_codes import raises_code
from tests.harness.tiny import request


def execute(
    plan: StudyPlan, tracker: Tracker, *, execution: ExecutionOptions | None = None
) -> tuple[StudyResult, str]:
    console = Console(file=io.StringIO(), width=200)
    result, _ = api.run_plan(plan, tracker=tracker, console=console, execution=execution)
    assert isinstance(console.file, io.StringIO)
    return result, console.file.getvalue()


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_figures_of_a_study_with_an_old_name_are_loaded(tree: Path, tracker: Tracker) -> None:
    study = plan_study(request(tree)).study
    parent = tracker.open_study(study)
    tracker.log_figures(parent, {"samples": b"png"})
    tracker.store.client.set_tag(parent, "harness.study", "of-old")
    result, images = tracker.reader.load_study("of-old")
    assert images == {f"{result.study.name}/samples": b"png"}


@pytest.mark.slow
def test_study_survives_mlflow_unchanged(tree: Path, tracker: Tracker) -> None:
    plan = plan_study(request(tree))
    ran, output = execute(plan, tracker)
    assert "done: accuracy" in output
    loaded, _ = tracker.reader.load_study(plan.study.name)
    assert loaded == ran
    run = tracker.store.client.get_run(dict(ran.run_ids)[plan.study.list_runs()[0].key])
    assert run.info.status == "FINISHED"
    assert run.data.params["training.batch"] == "32"
    assert 0 <= run.data.metrics["checkpoint_seconds"] <= 0.1 * run.data.metrics["seconds"]
    assert run.data.metrics["test/accuracy"] == pytest.approx(
        sum(p.predicted_class == p.truth for p in ran.results[0].predictions)
        / len(ran.results[0].predictions)
    )
    artifacts = {item.path for item in tracker.store.client.list_artifacts(run.info.run_id)}
    assert artifacts >= {
        "result.json",
        "predictions.csv",
        "weights.safetensors",
        "confusion_matrix.png",
        "confusion_matrix.csv",
        "curves.png",
        "environment.json",
    }


def test_study_of_an_earlier_version_is_reported_completely(tree: Path, tracker: Tracker) -> None:
    broken = ArchitectureSpec(name="broken", network="resnet34", width=0.5)
    plan = plan_study(request(tree))
    plan = replace(plan, study=replace(plan.study, arms=(*plan.study.arms, broken)))
    ran, _ = execute(plan, tracker)
    assert (len(ran.results), len(ran.failures)) == (1, 1)
    children = [run for run in tracker.store.client.search_runs(["1"]) if KEY_TAG in run.data.tags]
    for run in children:
        tracker.store.client.set_tag(run.info.run_id, KEY_TAG, "0123456789abcdef")
    loaded, _ = tracker.reader.load_study(plan.study.name)
    assert (loaded.results, loaded.failures) == (ran.results, ran.failures)
    # A study that runs now does not reuse them.
    assert tracker.reader.find_finished_run(plan.study.list_runs()[0].key) is None


@pytest.mark.slow
def test_finished_cell_is_reused_in_another_study_under_any_name(tree: Path, tracker: Tracker) -> None:
    first = plan_study(request(tree))
    ran, _ = execute(first, tracker)
    renamed = replace(first.study.arms[0], name="rung 5")
    other = replace(first, study=replace(first.study, kind="ablation", arms=(renamed,)))
    again, output = execute(other, tracker)
    assert "reused" in output
    assert again.results == ran.results
    assert again.run_ids == ran.run_ids


def test_failed_cell_is_recorded_and_others_run(tree: Path, tracker: Tracker) -> None:
    plan = plan_study(request(tree))
    # Planning does not detect too few channels, because torchvision's networks exist only at width 1.
    broken = ArchitectureSpec(name="broken", network="resnet34", width=0.5)
    plan = replace(plan, study=replace(plan.study, arms=(broken, plan.study.arms[0])))
    result, output = execute(plan, tracker)
    assert [f.spec.architecture.name for f in result.failures] == ["broken"]
    assert "resnet34 exists only at width 1; got 0.5" in result.failures[0].reason
    assert [r.spec.architecture.name for r in result.results] == ["proposed"]
    assert "failed: ArchitectureError" in output
    assert tracker.reader.load_study(plan.study.name)[0].failures == result.failures
    run = tracker.store.client.get_run(result.failures[0].traceback_run_id)
    assert f"traceback: traceback.txt of MLflow run {run.info.run_id}" in output
    assert tracker.store.read_text(run, "traceback.txt").startswith("Traceback (most recent call last)")


@pytest.mark.slow
def test_finished_cell_without_artifacts_runs_again(tree: Path, tracker: Tracker) -> None:
    plan = plan_study(request(tree))
    ran, _ = execute(plan, tracker)
    ((key, run_id),) = ran.run_ids
    uri = tracker.store.client.get_run(run_id).info.artifact_uri
    shutil.rmtree(uri.removeprefix("file://"))
    loaded, _ = tracker.reader.load_study(plan.study.name)
    assert loaded.results == ()
    assert run_id in loaded.failures[0].reason
    again, output = execute(plan, tracker)
    assert "done: accuracy" in output
    assert again.results[0].predictions == ran.results[0].predictions
    assert dict(again.run_ids)[key] != run_id


@pytest.mark.slow
def test_study_resumes_in_a_deleted_experiment(tree: Path, tracker: Tracker) -> None:
    plan = plan_study(request(tree))
    parent = tracker.open_study(plan.study)
    tracker.store.client.delete_experiment(tracker.store.client.get_run(parent).info.experiment_id)
    result, _ = execute(plan, tracker)
    assert len(result.results) == 1


def test_shared_view_has_existing_columns(tree: Path, tracker: Tracker) -> None:
    ran, _ = execute(plan_study(request(tree)), tracker)
    run = tracker.store.client.get_run(ran.run_ids[0][1])
    (view,) = list_views(tracker.store)
    assert view.experiment_name == "harness casme2"
    mode = "workflowType=machine_learning"
    assert view.runs_path == f"/#/experiments/{run.info.experiment_id}/runs?{mode}&viewStateShareKey=harness"
    tag = tracker.store.client.get_experiment(run.info.experiment_id).tags["mlflow.sharedViewState.harness"]
    columns = set(json.loads(tag)["selectedColumns"]) - {"attributes.`Dataset`"}
    assert {f"params.`{name}`" for name in run.data.params} | {
        f"metrics.`{name}`" for name in run.data.metrics
    } >= columns


@pytest.mark.slow
def test_shared_values_of_runs_are_computed_a_single_time(
    tree: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def patch(module: object, name: str) -> None:
        function = getattr(module, name)

        def count_call(*args: object, **options: object) -> object:
            calls.append(name)
            return function(*args, **options)

        monkeypatch.setattr(module, name, count_call)

    patch(split_summary, "audit_split")
    patch(run_inputs, "build_similarity_index")
    plan = plan_study(request(tree, only=("proposed", "vgg16-bn-gap"), protocols=("frame", "subject")))
    ran, _ = execute(plan, tracker)
    assert len(ran.results) == 4
    assert sorted(calls) == ["audit_split", "audit_split", "build_similarity_index"]
    for protocol in plan.study.protocols:
        assert len({result.data for result in ran.results if result.spec.protocol == protocol}) == 1
    execute(plan, tracker)
    assert len(calls) == 3, "without runs there is no audit"


def test_unknown_study_error_lists_studies(tree: Path, tracker: Tracker) -> None:
    plan = plan_study(request(tree))
    tracker.open_study(plan.study)
    with raises_code("study-name.unknown", "'x'", plan.study.name):
        tracker.reader.load_study("x")
