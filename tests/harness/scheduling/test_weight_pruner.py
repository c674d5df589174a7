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
def ledger(tmp_path: Path) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")


def plan_of(tree: Path, **changes: object) -> StudyPlan:
    """Plan two splits under two protocols, with all controls (trained or evaluation-only) and robustness."""
    values = {"protocols": ("frame", "subject"), "splits": 2, "controls": True, "width": 1 / 16}
    plan = plan_study(request(tree, **{**values, **changes}))
    return replace(plan, study=replace(plan.study, checks=("robustness",)))


def carry_out(plan: StudyPlan, ledger: Tracker, **running: object) -> StudyResult:
    console = Console(file=io.StringIO(), width=200)
    result, _ = api.run_plan(plan, tracker=ledger, console=console, execution=ExecutionOptions(**running))  # type: ignore[arg-type]
    return result


def kept(ledger: Tracker, result: StudyResult) -> set[str]:
    """Return the keys of the runs that have weights."""
    return {
        key
        for key, run_id in result.run_ids
        if any(item.path == WEIGHT_FILES[0] for item in ledger.client.list_artifacts(run_id))
    }


def best(result: StudyResult) -> set[str]:
    """Return the key of the best run under each protocol; on a tie, the first run."""
    arms = [r for r in result.results if r.spec.variant == "none"]
    found = set()
    for protocol in result.study.protocols:
        runs = [(r.spec.key, find_best_epoch(r.history)) for r in arms if r.spec.protocol == protocol]
        ranked = max(runs, key=lambda run: (run[1].validation_accuracy, -run[1].validation_loss))
        found.add(ranked[0])
    return found


@pytest.mark.slow
def test_weights_are_kept_as_the_rule_says_in_a_study_that_goes_on(tree: Path, ledger: Tracker) -> None:
    plan = plan_of(tree)
    result = carry_out(plan, ledger)
    assert not result.failures
    assert kept(ledger, result) == {r.spec.key for r in result.results if r.spec.is_trained}
    # Another study that reuses the runs does not delete their weights.
    other = replace(plan, study=replace(plan.study, kind="ablation"))
    carry_out(other, ledger, keep_weights="none")
    assert kept(ledger, result) == {r.spec.key for r in result.results if r.spec.is_trained}
    carry_out(plan, ledger, keep_weights="best")
    assert kept(ledger, result) == best(result)
    carry_out(plan, ledger, keep_weights="none")
    assert kept(ledger, result) == set()


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "jobs"), [("best", 2), ("none", 1)])
def test_what_reads_weights_reads_them_before_they_go(
    tree: Path, ledger: Tracker, rule: str, jobs: int
) -> None:
    result = carry_out(plan_of(tree, protocols=("frame",)), ledger, keep_weights=rule, jobs=jobs)
    assert not result.failures
    assert {r.spec.variant for r in result.results} >= {"robustness", "identity-probe", "shuffled-labels"}
    assert kept(ledger, result) == (best(result) if rule == "best" else set())


@pytest.mark.slow
def test_whoever_needs_weights_that_were_not_kept_is_told_what_to_do(
    tree: Path, ledger: Tracker, tmp_path: Path
) -> None:
    plan = plan_study(request(tree, width=1 / 16))
    result = carry_out(plan, ledger, keep_weights="none")
    ((key, run_id),) = result.run_ids
    with raises_code("weights.not-kept", run_id, "--keep-weights none", "--keep-weights all"):
        load_trained_model(ledger, key, device=torch.device("cpu"))
    with raises_code("export.no-weights", "--weights"):
        export_study(ledger, plan.study.name, tmp_path / "a.zip", include_weights=True)
    assert not (tmp_path / "a.zip").exists()
    checked = replace(plan, study=replace(plan.study, checks=("robustness",)))
    failed = carry_out(checked, ledger)
    assert "were not kept (--keep-weights none)" in failed.failures[0].reason
    # The remedy in the message works.
    ledger.client.delete_run(run_id)
    again = carry_out(plan, ledger, keep_weights="all")
    assert kept(ledger, again) == {key}
    assert not carry_out(checked, ledger, retry_failed=True).failures


def test_an_unknown_rule_is_told(harness: Run) -> None:
    status, _, err = harness("compare", "--keep-weights", "some", "--preset", "quick")
    assert status == 2
    assert "unknown --keep-weights 'some'; accepted: all, best, none" in err
