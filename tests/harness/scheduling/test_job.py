"""Tests that a job's process uses the data that the driver has read, or finds them elsewhere."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.planning.plan import plan_study
from harness.scheduling.cell import CellContext
from harness.scheduling.cell_locks import CellLocks
from harness.scheduling.job import Job, _load_images, _open_job, build_job
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tiny import request


@pytest.fixture
def job(tree: Path, tmp_path: Path) -> Job:
    root = Path(shutil.copytree(tree, tmp_path / "data"))
    plan = plan_study(request(root, protocols=("frame", "subject")))
    return Job(
        study=plan.study,
        data=plan.data_request,
        table=plan.table,
        splits={fingerprint: images.splits for fingerprint, images in plan.images_by_fingerprint.items()},
        study_run_id="0",
        tracking_uri="sqlite:///x.db",
        device="cpu",
        threads=1,
        exclusive_threads=1,
        retry_failed=False,
        keep_weights="all",
        costs=(),
    )


def test_process_gets_the_planned_images_and_splits(job: Job) -> None:
    (images,) = _load_images(job).values()
    assert images.pixels.fingerprint == job.study.fingerprint
    assert {split.protocol for split in images.splits} == {"frame", "subject"}
    assert images.splits is job.splits[job.study.fingerprint]


def test_job_reads_the_data_from_its_own_root(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert job.data.root is not None
    other_root = tmp_path / "elsewhere"
    job.data.root.rename(other_root)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache of the node"))
    (images,) = _load_images(replace(job, data=replace(job.data, root=other_root))).values()
    assert images.pixels.fingerprint == job.study.fingerprint
    assert images.pixels.table.samples[0].path.startswith(str(other_root))


def test_job_without_data_is_an_error(job: Job, tmp_path: Path) -> None:
    assert job.data.root is not None
    job.data.root.rename(tmp_path / "gone")
    with raises_code("release-root.missing"):
        _load_images(job)


def test_process_keeps_the_record_that_the_driver_demands(tree: Path, tmp_path: Path) -> None:
    plan, tracker = plan_study(request(tree)), Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    context = CellContext(
        tracker=tracker,
        locks=CellLocks(tracker.uri),
        study_run_id="0",
        device=plan.device,
        emit=lambda _: None,
    )
    for demand in (False, True):
        worker, _ = _open_job(build_job(plan, replace(context, epoch_record=demand)))
        assert worker.epoch_record == demand
