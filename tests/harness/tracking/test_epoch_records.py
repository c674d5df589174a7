from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.tracking.epoch_records import (
    RECORD_FILE,
    format_epoch_record,
    has_epoch_record,
    parse_epoch_record,
)
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tracking.small_study import STUDY, log_finished_runs, result

SPECS = STUDY.list_runs()
CLEAN = result(SPECS[0])
RECORDED = replace(CLEAN, epoch_classes=((0, 1), (1, 1), (0, 0)))


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_record_is_a_row_for_each_unit_and_survives_the_file() -> None:
    text = format_epoch_record(RECORDED)
    assert text.splitlines() == [
        '"id","subject","truth","epoch 1","epoch 2","epoch 3"',
        '"a","s",0,0,1,0',
        '"b","s",1,1,1,0',
    ]
    assert parse_epoch_record(text, CLEAN) == RECORDED


def test_record_of_ids_that_a_spreadsheet_would_compute_survives_the_file() -> None:
    predictions = tuple(replace(p, clip=f"={p.clip}", subject="-1") for p in CLEAN.predictions)
    clean = replace(CLEAN, predictions=predictions)
    recorded = replace(clean, epoch_classes=RECORDED.epoch_classes)
    assert parse_epoch_record(format_epoch_record(recorded), clean) == recorded


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda text: "", "epoch-record.no-table"),
        (lambda text: text[:-3], "epoch-record.no-table"),
        (lambda text: text.replace(',1,1,0\n', ',1,x,0\n'), "epoch-record.no-table"),
        (lambda text: "".join(text.splitlines(keepends=True)[:-1]), "epoch-record.other-units"),
        (lambda text: text.replace('"b"', '"c"'), "epoch-record.other-units"),
        (lambda text: text.replace(',1,1,0\n', ',1,2,0\n'), "epoch-record.other-units"),
        (lambda text: '"id","subject","truth"\n"a","s",0\n"b","s",1\n', "epoch-record.other-units"),
    ],
)  # fmt: skip
def test_damaged_record_is_refused(damage: Callable[[str], str], code: str) -> None:
    with raises_code(code):
        parse_epoch_record(damage(format_epoch_record(RECORDED)), CLEAN)


def test_store_keeps_records_and_knows_which_runs_lack_one(tracker: Tracker, tmp_path: Path) -> None:
    parent = tracker.open_study(STUDY)
    ids = log_finished_runs(tracker, SPECS[:2], parent=parent, folder=tmp_path / "artifacts")
    run_id = ids[SPECS[0].key]
    tracker.add_epoch_record(run_id, RECORDED)
    assert {key: has_epoch_record(tracker.client.get_run(ids[key])) for key in ids} == {
        SPECS[0].key: True,
        SPECS[1].key: False,
    }
    assert tracker.load_result(run_id) == RECORDED
    assert tracker.collect_results(STUDY, parent=parent).results == (RECORDED, result(SPECS[1]))

    run = tracker.client.get_run(run_id)
    tracker.delete_artifact(run, RECORD_FILE)
    assert tracker.load_result(run_id) == CLEAN, "a lost record does not harm the result"


def test_finished_run_is_logged_with_its_record(tracker: Tracker, tmp_path: Path) -> None:
    run_id = tracker.start_run(SPECS[0], parent=tracker.open_study(STUDY))
    (tmp_path / "artifacts").mkdir()
    tracker.finish_run(run_id, RECORDED, folder=tmp_path / "artifacts")
    assert tracker.load_result(run_id) == RECORDED
    assert has_epoch_record(tracker.client.get_run(run_id))
