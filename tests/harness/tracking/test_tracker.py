"""Tests of `Tracker` on a real MLflow store: logged data is available at once, and studies can be loaded."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow.artifacts
import pytest

from architectures.catalogue import CATALOGUE
from datasets.spec import DatasetSpec, Leakage
from harness.tracking import analysis_plans, mlflow_store, study_reader, tags
from harness.tracking.tags import REUSES_TAG
from harness.tracking.tracker import Tracker
from studies.cost import Cost
from studies.results import DataSummary, Environment, Epoch, Prediction, RunResult
from studies.spec import RunSpec, TrainingSpec
from studies.study import Study
from tests.error_codes import raises_code

STUDY = Study(
    kind="comparison",
    design="",
    preset="quick",
    dataset=DatasetSpec(name="folder", frame_policy="all", image_size=32),
    fingerprint="f" * 64,
    protocols=("kfold",),
    folds=(2,),
    seeds=(0, 1),
    training=TrainingSpec(),
    arms=(CATALOGUE["proposed"], CATALOGUE["vgg16"]),
)
OTHER = replace(STUDY, kind="ablation", design="ladder")
"""Another study with the same runs."""


def result(spec: RunSpec) -> RunResult:
    """Return a result with two epochs and two predictions; the second prediction depends on the seed."""
    epochs = tuple(
        Epoch(
            number=n,
            train_loss=1 / n,
            train_accuracy=0.5,
            validation_loss=2 / n,
            validation_accuracy=0.25 * n,
            seconds=1.0,
        )
        for n in (1, 2)
    )
    right = 0.9 if spec.seed else 0.2
    return RunResult(
        spec=spec,
        data=DataSummary(
            classes=("happiness", "other"),
            train=(7, 7),
            validation=(2, 2),
            test=(1, 1),
            leakage=Leakage(clip=0.0, subject=0.0),
            warnings=(),
            notes=(),
            anomalies=(),
        ),
        predictions=(
            Prediction(id="a/0", subject="s", clip="a", truth=0, probabilities=(0.75, 0.25)),
            Prediction(id="b/0", subject="s", clip="b", truth=1, probabilities=(1 - right, right)),
        ),
        history=epochs,
        best_epoch=2,
        cost=Cost(
            parameters=9,
            multiply_adds=8,
            activations=7,
            attention=0,
            additions=0,
            norm=0,
            pooling=0,
            uncounted_ops=(),
        ),
        environment=Environment(device="cpu", platform="Linux", threads=1, versions=(), commit="abc"),
        seconds=1.5,
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Tracker:
    """Return a tracker in a folder whose name must be escaped in an address."""
    folder = tmp_path / "a study #1, 100 %"
    folder.mkdir()
    return Tracker(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def keep(ledger: Tracker, specs: Sequence[RunSpec], *, parent: str, folder: Path) -> dict[str, str]:
    """Log these runs as finished, each with a figure; return their ids by key."""
    ids = {}
    for spec in specs:
        ids[spec.key] = ledger.start_run(spec, parent=parent)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "curves.png").write_bytes(b"png")
        ledger.finish_run(ids[spec.key], result(spec), folder=folder)
    return ids


def lose(ledger: Tracker, run_id: str) -> None:
    """Delete a run's artifacts but not its record."""
    path = mlflow.artifacts.download_artifacts(run_id=run_id, tracking_uri=ledger.uri)
    shutil.rmtree(path)


def test_an_epoch_is_on_the_store_when_the_outbox_is_empty(ledger: Tracker) -> None:
    spec = STUDY.list_runs()[0]
    run = ledger.start_run(spec, parent=ledger.open_study(STUDY))
    for count, epoch in enumerate(result(spec).history, start=1):
        ledger.log_epochs(run, (epoch,))
        ledger.async_logger.flush()
        others = Tracker(ledger.uri).client
        told = {m.step: m.value for m in others.get_metric_history(run, "validation/accuracy")}
        assert told == {step: 0.25 * step for step in range(1, count + 1)}
        assert others.get_run(run).info.status == "RUNNING"


def test_a_study_keeps_each_command_once_and_in_order(ledger: Tracker) -> None:
    for command in ("harness compare", "harness compare --retry-failed", "harness compare"):
        parent = ledger.open_study(STUDY, commands=(command,))
    assert ledger.load_study(STUDY.name)[0].commands == ("harness compare", "harness compare --retry-failed")
    assert ledger.load_commands(parent) == ledger.load_study(STUDY.name)[0].commands


def test_a_finished_run_is_tagged_with_its_time_and_versions(ledger: Tracker, folder: Path) -> None:
    (spec, other, *_), parent = STUDY.list_runs(), ledger.open_study(STUDY)
    versions = (("harness", "1.2"), ("torch", "2.9"), ("numpy", "2.0"))
    made = replace(result(spec), end_time="2026-01-02T03:04:05Z")
    made = replace(made, environment=replace(made.environment, versions=versions))
    folder.mkdir()
    ledger.finish_run(ledger.start_run(spec, parent=parent), made, folder=folder)
    keep(ledger, [other], parent=parent, folder=folder)
    tagged = {run.key: (run.end_time, run.versions) for run in ledger.list_cell_runs(parent)}
    assert tagged == {
        spec.key: ("2026-01-02T03:04:05Z", "harness 1.2, torch 2.9"),
        other.key: ("", ""),
    }


def test_a_finished_run_keeps_its_own_files_and_those_beside_them(ledger: Tracker, folder: Path) -> None:
    spec = STUDY.list_runs()[0]
    ids = keep(ledger, [spec], parent=ledger.open_study(STUDY), folder=folder)
    kept = {item.path for item in ledger.client.list_artifacts(ids[spec.key])}
    own = {"result.json", "predictions.csv", "environment.json", "confusion_matrix.csv"}
    assert kept == own | {"curves.png"}
    assert ledger.load_result(ids[spec.key]) == result(spec)


@pytest.mark.parametrize("page", [1000, 3])
def test_a_study_is_read_back_in_its_own_order_however_many_runs_it_has(
    ledger: Tracker, folder: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(mlflow_store, "PAGE_SIZE", page)
    *finished, failed, _ = STUDY.list_runs()
    parent = ledger.open_study(STUDY)
    ids = keep(ledger, finished[::-1], parent=parent, folder=folder)
    for reason in ("first", "last"):
        ledger.fail_run(ledger.start_run(failed, parent=parent), reason)
    found, _ = ledger.load_study(STUDY.name)
    assert found.results == tuple(map(result, finished))
    assert found.run_ids == tuple((spec.key, ids[spec.key]) for spec in finished)
    assert [(failure.spec, failure.reason) for failure in found.failures] == [(failed, "last")]


def test_a_run_that_failed_before_it_finished_is_no_failure(ledger: Tracker, folder: Path) -> None:
    spec = STUDY.list_runs()[0]
    parent = ledger.open_study(STUDY)
    ledger.fail_run(ledger.start_run(spec, parent=parent), "the first time")
    keep(ledger, [spec], parent=parent, folder=folder)
    found = ledger.collect_results(STUDY, parent=parent)
    assert (len(found.results), found.failures) == (1, ())


@pytest.mark.parametrize("named", [200, 3])
def test_a_study_that_reuses_anothers_runs_is_read_back_whole(
    ledger: Tracker, folder: Path, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    monkeypatch.setattr(study_reader, "IDS_PER_QUERY", named)
    ids = keep(ledger, STUDY.list_runs(), parent=ledger.open_study(STUDY), folder=folder)
    other = ledger.open_study(OTHER)
    for spec in OTHER.list_runs():
        ledger.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    found = ledger.collect_results(OTHER, parent=other)
    assert found.results == tuple(map(result, OTHER.list_runs()))
    assert dict(found.run_ids) == ids


def test_a_reused_run_that_a_dead_process_left_open_is_finished(
    ledger: Tracker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = STUDY.list_runs()[0]
    ids = keep(ledger, [spec], parent=ledger.open_study(STUDY), folder=folder)
    other = ledger.open_study(OTHER)
    with monkeypatch.context() as context:
        context.setattr(ledger, "close_run", lambda *_: None)
        ledger.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    assert ledger.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    (copy,) = ledger.search_runs(f"tags.`{REUSES_TAG}` = '{ids[spec.key]}'")
    assert copy.info.status == "FINISHED"
    assert not ledger.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))


def test_runs_that_another_study_has_finished_since_are_found(ledger: Tracker, folder: Path) -> None:
    lost, never = STUDY.list_runs()[:2]
    parent = ledger.open_study(STUDY)
    first = keep(ledger, [lost], parent=parent, folder=folder)
    lose(ledger, first[lost.key])
    told = ledger.collect_results(STUDY, parent=parent)
    assert [failure.spec for failure in told.failures] == [lost]
    assert first[lost.key] in told.failures[0].reason
    since = keep(ledger, [lost, never], parent=ledger.open_study(OTHER), folder=folder)
    found = ledger.collect_results(STUDY, parent=parent)
    assert (found.results, found.failures) == ((result(lost), result(never)), ())
    assert dict(found.run_ids) == since


def test_a_deleted_run_has_not_finished(ledger: Tracker, folder: Path) -> None:
    spec = STUDY.list_runs()[0]
    ids = keep(ledger, [spec], parent=ledger.open_study(STUDY), folder=folder)
    other = ledger.open_study(OTHER)
    ledger.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    ledger.client.delete_run(ids[spec.key])
    found = ledger.collect_results(OTHER, parent=other)
    assert (found.results, found.failures) == ((), ())


@pytest.mark.parametrize("fault", ["not json", "{}", ""])
def test_a_run_whose_record_was_spoilt_holds_no_result(ledger: Tracker, folder: Path, fault: str) -> None:
    spec = STUDY.list_runs()[0]
    parent = ledger.open_study(STUDY)
    ids = keep(ledger, [spec], parent=parent, folder=folder)
    ledger.log_texts(ids[spec.key], {"result.json": fault})
    assert ledger.load_result(ids[spec.key]) is None
    assert [failure.spec for failure in ledger.collect_results(STUDY, parent=parent).failures] == [spec]


def test_a_run_that_is_not_there_holds_no_result(ledger: Tracker) -> None:
    missing: Any = "0" * 32
    ledger.open_study(STUDY)
    assert ledger.load_result(missing) is None


def test_a_store_that_another_process_has_locked_is_told(ledger: Tracker) -> None:
    ledger.check_connection()
    with closing(sqlite3.connect(ledger.uri.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        impatient = Tracker(f"{ledger.uri}?timeout=0.1")
        assert impatient.exists()
        with raises_code("tracking-store.locked"):
            impatient.check_connection()
    Tracker(ledger.uri).check_connection()


def test_the_names_of_tags_in_old_stores_are_still_read() -> None:
    """A store keeps its tags for ever, so that a renamed module must not rename them."""
    assert analysis_plans.PLAN_TAG == "harness.plan"
    assert analysis_plans.PLAN_STATE_TAG == "harness.plan.state"
    assert (tags.KEY_TAG, tags.PROCESS_TAG) == ("harness.key", "harness.process")
