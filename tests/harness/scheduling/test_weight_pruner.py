"""Tests of `--keep-weights` on a real store; weights that other cells read stay until those have run."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from harness import api
from harness.archive.exporter import export_study
from harness.inference.predictor import load_trained_model
from harness.planning.execution import ExecutionOptions
from harness.planning.plan import StudyPlan, plan_study
from harness.tracking.study_reader import WEIGHT_FILES
from harness.tracking.tracker import Tracker
from harness.training.train import find_best_epoch
from studies.results import StudyResult
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")


def plan_of(tree: Path, **changes: object) -> StudyPlan:
    """Plan two splits under two protocols, with all controls (trained or evaluation-only) and robustness."""
    values = {"protocols": ("frame", "subject"), "splits": 2, "controls": True, "width": 1 / 16}
    plan = plan_study(request(tree, **{**values, **changes}))
    return replace(plan, study=replace(plan.study, checks=("robustness",)))


def execute(plan: StudyPlan, tracker: Tracker, **options: object) -> StudyResult:
    console = Console(file=io.StringIO(), width=200)
    result, _ = api.run_plan(plan, tracker=tracker, console=console, execution=ExecutionOptions(**options))  # type: ignore[arg-type]
    return result


def keys_with_weights(tracker: Tracker, result: StudyResult) -> set[str]:
    """Return the keys of the runs that have weights."""
    return {
        key
        for key, run_id in result.run_ids
        if any(item.path == WEIGHT_FILES[0] for item in tracker.store.client.list_artifacts(run_id))
    }


def best(result: StudyResult) -> set[str]:
    """Return the key of the best run under each protocol; on a tie, the first run."""
    arms = [r for r in result.results if r.spec.variant == "none"]
    keys = set()
    for protocol in result.study.protocols:
        runs = [(r.spec.key, find_best_epoch(r.history)) for r in arms if r.spec.protocol == protocol]
        ranked = max(runs, key=lambda run: (run[1].validation_accuracy, -run[1].validation_loss))
        keys.add(ranked[0])
    return keys


@pytest.mark.slow
def test_weights_follow_the_rule_in_a_resumed_study(tree: Path, tracker: Tracker) -> None:
    plan = plan_of(tree)
    result = execute(plan, tracker)
    assert not result.failures
    assert keys_with_weights(tracker, result) == {r.spec.key for r in result.results if r.spec.is_trained}
    # Another study that reuses the runs does not delete their weights.
    other = replace(plan, study=replace(plan.study, kind="ablation"))
    execute(other, tracker, keep_weights="none")
    assert keys_with_weights(tracker, result) == {r.spec.key for r in result.results if r.spec.is_trained}
    execute(plan, tracker, keep_weights="best")
    assert keys_with_weights(tracker, result) == best(result)
    execute(plan, tracker, keep_weights="none")
    assert keys_with_weights(tracker, result) == set()


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "jobs"), [("best", 2), ("none", 1)])
def test_weights_are_read_before_their_deletion(tree: Path, tracker: Tracker, rule: str, jobs: int) -> None:
    result = execute(plan_of(tree, protocols=("frame",)), tracker, keep_weights=rule, jobs=jobs)
    assert not result.failures
    assert {r.spec.variant for r in result.results} >= {"robustness", "identity-probe", "shuffled-labels"}
    assert keys_with_weights(tracker, result) == (best(result) if rule == "best" else set())


@pytest.mark.slow
def test_missing_weights_error_names_the_option(tree: Path, tracker: Tracker, tmp_path: Path) -> None:
    plan = plan_study(request(tree, width=1 / 16))
    result = execute(plan, tracker, keep_weights="none")
    ((key, run_id),) = result.run_ids
    with raises_code("weights.not-kept", run_id, "--keep-weights none", "--keep-weights all"):
        load_trained_model(tracker, key, device=torch.device("cpu"))
    with raises_code("export.no-weights", "--weights"):
        export_study(tracker, plan.study.name, tmp_path / "a.zip", include_weights=True)
    assert not (tmp_path / "a.zip").exists()
    checked = replace(plan, study=replace(plan.study, checks=("robustness",)))
    failed = execute(checked, tracker)
    assert "were not kept (--keep-weights none)" in failed.failures[0].reason
    # The remedy in the message works.
    tracker.store.client.delete_run(run_id)
    again = execute(plan, tracker, keep_weights="all")
    assert keys_with_weights(tracker, again) == {key}
    assert not execute(checked, tracker, retry_failed=True).failures


def test_unknown_rule_is_an_error(harness: Run) -> None:
    status, _, err = harness("compare", "--keep-weights", "some", "--preset", "quick")
    assert status == 2
    assert "unknown --keep-weights 'some'; accepted: all, best, none" in err
