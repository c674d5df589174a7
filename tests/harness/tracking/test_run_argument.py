"""Tests of the argument RUN: ids, keys, their first digits, and the messages about everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.tracking.run_argument import RUN_HINT, find_finished_run
from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import STUDY, log_finished_runs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    """Return a tracker that holds three finished runs, an open one, and two with similar keys."""
    root = tmp_path_factory.mktemp("runs")
    tracker = Tracker(f"sqlite:///{root / 'mlflow.db'}")
    parent = tracker.open_study(STUDY)
    log_finished_runs(tracker, STUDY.list_runs()[:3], parent=parent, folder=root / "kept")
    tracker.start_run(STUDY.list_runs()[3], parent=parent)
    experiment = tracker.client.create_experiment("x")
    for key in ("aaaa000000000000", "aaaa111111111111"):
        tracker.client.create_run(experiment, tags={KEY_TAG: key})
    return tracker


def run_id_of(store: Tracker, number: int) -> str:
    run_id = store.find_finished_run(STUDY.list_runs()[number].key)
    assert run_id is not None
    return run_id


def test_run_matches_id_or_key_in_any_case(store: Tracker) -> None:
    key, run_id = STUDY.list_runs()[0].key, run_id_of(store, 0)
    for name in (key, key[:6].upper(), f" {run_id} ", run_id[:8]):
        assert find_finished_run(store, name) == (run_id, key)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("vgg16", "run-name.invalid"),
        ("abc", "run-name.invalid"),
        ("", "run-name.invalid"),
        ("ablation-casme2", "run-name.invalid"),
        ("0123456789abcdef", "run.unknown"),
    ],
)
def test_unknown_run_error_names_the_run_index(store: Tracker, name: str, code: str) -> None:
    with raises_code(code, RUN_HINT):
        find_finished_run(store, name)
    assert "`harness status`" in RUN_HINT


def test_study_is_no_run_and_its_runs_are_listed(store: Tracker) -> None:
    (study_run,) = store.search_runs(f"tags.`harness.study` = '{STUDY.name}'")
    for name in (STUDY.name, study_run.info.run_id):
        with raises_code("run-name.of-a-study", STUDY.name) as raised:
            find_finished_run(store, name)
        assert all(run_id_of(store, number)[:8] in str(raised.value) for number in (0, 1))
        assert f"`harness report {STUDY.name}`" in str(raised.value)


def test_ambiguous_and_open_runs_are_refused(store: Tracker) -> None:
    with raises_code("run.unfinished", "RUNNING"):
        find_finished_run(store, STUDY.list_runs()[3].key)
    with raises_code("run-name.ambiguous", "aaaa", RUN_HINT):
        find_finished_run(store, "aaaa")


@pytest.mark.parametrize("command", ["report", "export", "status"])
def test_command_on_studies_names_the_study_of_a_run(store: Tracker, harness: Run, command: str) -> None:
    key = STUDY.list_runs()[0].key
    status, _, err = harness(command, key[:8], "--tracking-uri", store.uri)
    assert status == 2
    assert f"got {key[:8]}, a run of the study {STUDY.name}: name that study" in err


def test_error_names_the_run_of_the_arm_with_weights(store: Tracker, tmp_path: Path) -> None:
    dropped, other = run_id_of(store, 0), run_id_of(store, 2)
    store.tag_weights_dropped(dropped, rule="best")
    with raises_code("weights.not-kept", "--keep-weights best", f"name run {other}", "--keep-weights all"):
        store.download_weights(dropped, str(tmp_path))
