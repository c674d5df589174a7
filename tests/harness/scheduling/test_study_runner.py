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


def carry_out(
    plan: StudyPlan, ledger: Tracker, *, running: ExecutionOptions | None = None
) -> tuple[StudyResult, str]:
    shown = Console(file=io.StringIO(), width=200)
    result, _ = api.run_plan(plan, tracker=ledger, console=shown, execution=running)
    assert isinstance(shown.file, io.StringIO)
    return result, shown.file.getvalue()


@pytest.fixture
def ledger(tmp_path: Path) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_pictures_of_a_study_that_was_named_before_a_field_existed_are_found(
    tree: Path, ledger: Tracker
) -> None:
    study = plan_study(request(tree)).study
    parent = ledger.open_study(study)
    ledger.log_figures(parent, {"samples": b"png"})
    ledger.client.set_tag(parent, "harness.study", "of-old")
    result, pictures = ledger.load_study("of-old")
    assert pictures == {f"{result.study.name}/samples": b"png"}


def test_a_study_comes_back_from_mlflow_unchanged(tree: Path, ledger: Tracker) -> None:
    plan = plan_study(request(tree))
    ran, shown = carry_out(plan, ledger)
    assert "done: accuracy" in shown
    loaded, _ = ledger.load_study(plan.study.name)
    assert loaded == ran
    run = ledger.client.get_run(dict(ran.run_ids)[plan.study.list_runs()[0].key])
    assert run.info.status == "FINISHED"
    assert run.data.params["training.batch"] == "32"
    assert 0 <= run.data.metrics["checkpoint_seconds"] <= 0.1 * run.data.metrics["seconds"]
    assert run.data.metrics["test/accuracy"] == pytest.approx(
        sum(p.predicted_class == p.truth for p in ran.results[0].predictions)
        / len(ran.results[0].predictions)
    )
    kept = {item.path for item in ledger.client.list_artifacts(run.info.run_id)}
    assert kept >= {
        "result.json",
        "predictions.csv",
        "weights.safetensors",
        "confusion_matrix.png",
        "confusion_matrix.csv",
        "curves.png",
        "environment.json",
    }


def test_a_study_of_an_earlier_recipe_is_still_reported_whole(tree: Path, ledger: Tracker) -> None:
    broken = ArchitectureSpec(name="broken", network="resnet34", width=0.5)
    plan = plan_study(request(tree))
    plan = replace(plan, study=replace(plan.study, arms=(*plan.study.arms, broken)))
    ran, _ = carry_out(plan, ledger)
    assert (len(ran.results), len(ran.failures)) == (1, 1)
    children = [run for run in ledger.client.search_runs(["1"]) if KEY_TAG in run.data.tags]
    for run in children:
        ledger.client.set_tag(run.info.run_id, KEY_TAG, "0123456789abcdef")
    loaded, _ = ledger.load_study(plan.study.name)
    assert (loaded.results, loaded.failures) == (ran.results, ran.failures)
    # A study that runs now does not reuse them.
    assert ledger.find_finished_run(plan.study.list_runs()[0].key) is None


def test_a_finished_cell_is_reused_in_another_study_under_any_name(tree: Path, ledger: Tracker) -> None:
    first = plan_study(request(tree))
    ran, _ = carry_out(first, ledger)
    renamed = replace(first.study.arms[0], name="rung 5")
    other = replace(first, study=replace(first.study, kind="ablation", arms=(renamed,)))
    again, shown = carry_out(other, ledger)
    assert "reused" in shown
    assert again.results == ran.results
    assert again.run_ids == ran.run_ids


def test_a_cell_that_fails_is_recorded_and_the_others_go_on(tree: Path, ledger: Tracker) -> None:
    plan = plan_study(request(tree))
    # Planning does not detect too few channels, because torchvision's networks exist only at width 1.
    broken = ArchitectureSpec(name="broken", network="resnet34", width=0.5)
    plan = replace(plan, study=replace(plan.study, arms=(broken, plan.study.arms[0])))
    result, shown = carry_out(plan, ledger)
    assert [f.spec.architecture.name for f in result.failures] == ["broken"]
    assert "resnet34 exists only at width 1; got 0.5" in result.failures[0].reason
    assert [r.spec.architecture.name for r in result.results] == ["proposed"]
    assert "failed: ArchitectureError" in shown
    assert ledger.load_study(plan.study.name)[0].failures == result.failures
    run = ledger.client.get_run(result.failures[0].traceback_run_id)
    assert f"traceback: traceback.txt of MLflow run {run.info.run_id}" in shown
    assert ledger.read_text(run, "traceback.txt").startswith("Traceback (most recent call last)")


def test_a_finished_cell_whose_artifacts_are_gone_is_told_and_run_again(tree: Path, ledger: Tracker) -> None:
    plan = plan_study(request(tree))
    ran, _ = carry_out(plan, ledger)
    ((key, run_id),) = ran.run_ids
    uri = ledger.client.get_run(run_id).info.artifact_uri
    shutil.rmtree(uri.removeprefix("file://"))
    loaded, _ = ledger.load_study(plan.study.name)
    assert loaded.results == ()
    assert run_id in loaded.failures[0].reason
    again, shown = carry_out(plan, ledger)
    assert "done: accuracy" in shown
    assert again.results[0].predictions == ran.results[0].predictions
    assert dict(again.run_ids)[key] != run_id


def test_a_study_goes_on_in_an_experiment_that_was_deleted(tree: Path, ledger: Tracker) -> None:
    plan = plan_study(request(tree))
    parent = ledger.open_study(plan.study)
    ledger.client.delete_experiment(ledger.client.get_run(parent).info.experiment_id)
    result, _ = carry_out(plan, ledger)
    assert len(result.results) == 1


def test_the_run_tables_shared_view_shows_columns_that_runs_have(tree: Path, ledger: Tracker) -> None:
    ran, _ = carry_out(plan_study(request(tree)), ledger)
    run = ledger.client.get_run(ran.run_ids[0][1])
    (view,) = list_views(ledger)
    assert view.experiment_name == "harness casme2"
    mode = "workflowType=machine_learning"
    assert view.runs_path == f"/#/experiments/{run.info.experiment_id}/runs?{mode}&viewStateShareKey=harness"
    tag = ledger.client.get_experiment(run.info.experiment_id).tags["mlflow.sharedViewState.harness"]
    shown = set(json.loads(tag)["selectedColumns"]) - {"attributes.`Dataset`"}
    assert {f"params.`{name}`" for name in run.data.params} | {
        f"metrics.`{name}`" for name in run.data.metrics
    } >= shown


def test_what_is_equal_for_runs_of_a_study_is_found_once(
    tree: Path, ledger: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(module: object, name: str) -> None:
        found = getattr(module, name)

        def counting(*args: object, **options: object) -> object:
            asked.append(name)
            return found(*args, **options)

        monkeypatch.setattr(module, name, counting)

    noted(split_summary, "audit_split")
    noted(run_inputs, "build_similarity_index")
    plan = plan_study(request(tree, only=("proposed", "vgg16-bn-gap"), protocols=("frame", "subject")))
    ran, _ = carry_out(plan, ledger)
    assert len(ran.results) == 4
    assert sorted(asked) == ["audit_split", "audit_split", "build_similarity_index"]
    for protocol in plan.study.protocols:
        assert len({result.data for result in ran.results if result.spec.protocol == protocol}) == 1
    carry_out(plan, ledger)
    assert len(asked) == 3, "where nothing is run nothing is looked for"


def test_an_unknown_study_lists_those_there_are(tree: Path, ledger: Tracker) -> None:
    plan = plan_study(request(tree))
    ledger.open_study(plan.study)
    with raises_code("study-name.unknown", "'x'", plan.study.name):
        ledger.load_study("x")
