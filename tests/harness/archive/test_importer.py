"""Tests of importing a study elsewhere: the numbers stay the same, and nothing is stored twice."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.archive.exporter import export_study
from harness.archive.importer import import_study
from harness.archive.reader import open_archive
from harness.errors import StudyAborted
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.tags import IMPORTED_TAG, KEY_TAG, NOTE_TAG, PARENT_TAG, REUSES_TAG
from harness.tracking.tracker import Tracker
from studies.results import Prediction, RunResult, StudyResult
from studies.spec import RunSpec
from tests.error_codes import raises_code
from tests.harness.archive.tiny_study import (
    FAILED,
    LATENCY,
    REASON,
    SMALL,
    SMALL_FINISHED,
    TIMED,
    contents,
    empty,
    list_cells,
    log_latency,
    make_study,
    new_tracker,
    read_files,
)
from tests.harness.stores import copy_store
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import OTHER, delete_artifacts, log_finished_runs, result
from tests.harness.tracking.small_study import STUDY as TINY

RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")


@pytest.mark.slow
def test_import_shows_and_reports_the_exported_study(
    source: Tracker, archive_path: Path, target: Tracker, harness: Run
) -> None:
    status, out, err = harness("import", archive_path, "--json")
    assert status == 0, err
    document = json.loads(out)
    assert (len(document["imported"]), document["failed"], document["here"]) == (6, [FAILED.key], [])
    assert document["report_as_exported"] is True
    assert list_cells(target) == list_cells(source)
    before, after = (tracker.reader.load_study(TINY.name) for tracker in (source, target))
    assert after[1] == before[1]
    assert replace(after[0], run_ids=()) == replace(before[0], run_ids=())
    report, members = Path(document["report"]), contents(archive_path)
    assert report == Path("results", TINY.name, "report.md")
    assert REASON.split(":")[0] in report.read_text()
    for name, data in read_files(report.parent).items():
        exported = members[f"report/{name}"]
        if name in ("report.md", "report.html", "report.json"):
            texts = [RUN_ID.sub("", text.decode()) for text in (data, exported)]
            assert texts[0] == texts[1]
            assert data != exported, "the run index names the runs of this store"
        else:
            assert data == exported, name
    for run in target.store.search_runs(f"tags.`{IMPORTED_TAG}` != '' and attributes.status = 'FINISHED'"):
        original = run.data.tags[IMPORTED_TAG]
        assert run.data.tags[NOTE_TAG] == f"Imported from study.zip, where its run id was {original}."
        assert source.store.client.get_run(original).data.tags[KEY_TAG] == run.data.tags[KEY_TAG]


@pytest.mark.slow
def test_weights_that_an_import_lacks_come_with_a_second_archive(
    small: Tracker, packed_small: Path, target: Tracker, tmp_path: Path, harness: Run
) -> None:
    with open_archive(packed_small) as archive:
        import_study(archive, target, CellLocks(target.store.uri))
    run_id = target.reader.find_finished_run(SMALL_FINISHED[1].key)
    assert run_id is not None
    with raises_code("weights.not-exported", run_id, f"(`harness export {SMALL.name} --weights`)"):
        target.reader.download_weights(run_id, str(tmp_path))
    # The remedy in the message works, once.
    export_study(small, SMALL.name, tmp_path / "with.zip", include_weights=True)
    status, out, err = harness("import", "with.zip", "--json")
    assert (status, json.loads(out)["weights_added"]) == (0, sorted(spec.key for spec in SMALL_FINISHED))
    assert "nothing was changed" not in err
    assert target.reader.download_weights(run_id, str(tmp_path)).read_bytes() == b"weights"
    with open_archive(Path("with.zip")) as archive:
        assert not import_study(archive, target, CellLocks(target.store.uri)).has_changes


@pytest.mark.slow
def test_second_import_changes_nothing(packed_small: Path, target: Tracker, harness: Run) -> None:
    with open_archive(packed_small) as archive:
        import_study(archive, target, CellLocks(target.store.uri))
    runs = [run.to_dictionary() for run in target.store.search_runs("")]
    files = read_files(Path("mlruns"))
    status, out, err = harness("import", packed_small, "--json")
    assert status == 0
    document = json.loads(out)
    assert (document["imported"], document["reused"], document["failed"], document["differing"]) == (
        [],
        [],
        [],
        [],
    )
    assert len(document["here"]) == 3
    assert "nothing was changed" in err
    assert [run.to_dictionary() for run in target.store.search_runs("")] == runs
    assert read_files(Path("mlruns")) == files


@pytest.mark.slow
def test_import_into_the_source_store_changes_nothing(
    small: Tracker, packed_small: Path, tmp_path: Path, harness: Run
) -> None:
    tracker = copy_store(small, tmp_path / "own")
    runs = [run.to_dictionary() for run in tracker.store.search_runs("")]
    status, _, err = harness("import", packed_small, "--tracking-uri", tracker.store.uri)
    assert status == 0
    assert "nothing was changed" in err
    assert "the report equals the exported one" in err
    assert [run.to_dictionary() for run in tracker.store.search_runs("")] == runs


class SimulatedKill(BaseException):
    """Simulates a kill; only `finally` blocks and context managers handle it."""


def kill_after(steps: int, tracker: Tracker, patch: pytest.MonkeyPatch) -> None:
    """Make every write of a tracker after `steps` writes raise `SimulatedKill`, also during cleanup."""
    left = steps

    def calls(method: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise SimulatedKill
            return method(*args, **options)

        return call

    for name in (
        *("create_run", "set_tag", "log_batch", "log_artifacts", "set_terminated", "log_text"),
        "log_artifact",
    ):
        patch.setattr(tracker.store._client, name, calls(getattr(tracker.store._client, name)))


@pytest.mark.parametrize(
    "step",
    [1, 2, 4, 7, 8, 17, 20, *(pytest.param(step, marks=pytest.mark.slow) for step in (0, 6, 9, 15, 22))],
)
def test_next_import_completes_a_killed_one(
    small: Tracker, packed_small: Path, target: Tracker, step: int
) -> None:
    first = Tracker(target.store.uri)
    with pytest.MonkeyPatch.context() as patch, open_archive(packed_small) as archive:
        kill_after(step, first, patch)
        with pytest.raises(SimulatedKill):
            import_study(archive, first, CellLocks(first.store.uri))
        entered = import_study(archive, target, CellLocks(target.store.uri))
    assert entered.has_changes or step >= 20, "only the figures were left"
    assert target.reader.load_study(SMALL.name)[1] == small.reader.load_study(SMALL.name)[1]
    for run in target.store.search_runs(f"tags.`{PARENT_TAG}` != '' and attributes.status = 'KILLED'"):
        target.store.client.delete_run(run.info.run_id)
    assert not target.store.search_runs("attributes.status = 'RUNNING'")
    assert list_cells(target) == list_cells(small)


@pytest.mark.slow
def test_finished_cells_are_reused_and_differences_listed(
    packed_small: Path, target: Tracker, tmp_path: Path, harness: Run
) -> None:
    same, other = SMALL_FINISHED
    ids = log_finished_runs(
        target, [same], parent=(parent := target.open_study(OTHER)), folder=tmp_path / "kept"
    )
    changed = replace(
        result(other), predictions=tuple(map(_reverse_probabilities, result(other).predictions))
    )
    ids[other.key] = target.start_run(other, parent=parent)
    target.finish_run(ids[other.key], changed, folder=empty(tmp_path / "changed"))
    status, out, err = harness("import", packed_small, "--json")
    assert status == 0
    document = json.loads(out)
    assert sorted(document["reused"]) == sorted(ids)
    assert document["differing"] == [other.key]
    assert f"warning: the results of {other.key} in this store differ" in err
    assert document["report_as_exported"] is False
    study, _ = target.reader.load_study(SMALL.name)
    assert {key: run for key, run in study.run_ids if key in ids} == ids
    assert _find_result(study, other) == changed
    assert len(target.store.search_runs(f"tags.`{KEY_TAG}` = '{same.key}'")) == 1
    assert len(target.store.search_runs(f"tags.`{REUSES_TAG}` != ''")) == 2


def _reverse_probabilities(prediction: Prediction) -> Prediction:
    return replace(prediction, probabilities=prediction.probabilities[::-1])


def test_missing_cell_is_imported_again(packed_small: Path, target: Tracker) -> None:
    key = SMALL_FINISHED[0].key
    with open_archive(packed_small) as archive:
        import_study(archive, target, CellLocks(target.store.uri))
        run_id = target.reader.find_finished_run(key)
        assert run_id is not None
        delete_artifacts(target, run_id)
        again = import_study(archive, target, CellLocks(target.store.uri))
    assert again.imported == [key]
    assert len(target.reader.load_study(SMALL.name)[0].results) == 2


def test_locked_cell_is_not_imported(packed_small: Path, target: Tracker) -> None:
    busy = SMALL_FINISHED[1].key
    with open_archive(packed_small) as archive:
        with (
            CellLocks(target.store.uri).lock(busy),
            pytest.raises(StudyAborted, match="is running 1 of the cells"),
        ):
            import_study(archive, target, CellLocks(target.store.uri))
        assert target.reader.find_finished_run(busy) is None
        assert import_study(archive, target, CellLocks(target.store.uri)).imported == [busy]


def test_latencies_of_both_devices_are_stored(target: Tracker, tmp_path: Path, blank: Path) -> None:
    other = new_tracker(tmp_path / "there", blank)
    gpu = log_latency(other, tmp_path / "gpu", device="gpu")
    log_latency(target, tmp_path / "cpu", device="cpu")
    with open_archive(export_study(other, TIMED.name, tmp_path / "timed.zip").path) as archive:
        assert import_study(archive, target, CellLocks(target.store.uri)).imported == [LATENCY.key]
        assert not import_study(archive, target, CellLocks(target.store.uri)).has_changes
    assert _find_result(target.reader.load_study(TIMED.name)[0], LATENCY) == gpu


def _find_result(study: StudyResult, spec: RunSpec) -> RunResult | None:
    return next((result for result in study.results if result.spec.key == spec.key), None)


@pytest.mark.slow
def test_record_of_the_epochs_travels_and_completes_a_run_without_it(tmp_path: Path, blank: Path) -> None:
    source, target = make_study(tmp_path / "source", blank, SMALL), new_tracker(tmp_path / "target", blank)
    clean = export_study(source, SMALL.name, tmp_path / "clean.zip").path
    spec = SMALL_FINISHED[0]
    recorded = replace(result(spec), epoch_classes=((0, 1), (1, 1)))
    run_id = source.reader.find_finished_run(spec.key)
    assert run_id
    source.add_epoch_record(run_id, recorded)
    with_record = export_study(source, SMALL.name, tmp_path / "recorded.zip").path
    summaries = []
    for path in (clean, with_record, clean):
        with open_archive(path) as archive:
            summaries.append(import_study(archive, target, CellLocks(target.store.uri)))
    assert [summary.recorded for summary in summaries] == [[], [spec.key], []]
    assert not any(summary.conflicts for summary in summaries)
    imported_id = target.reader.find_finished_run(spec.key)
    assert imported_id
    assert target.reader.load_result(imported_id) == recorded

    fresh = new_tracker(tmp_path / "fresh", blank)
    with open_archive(with_record) as archive:
        import_study(archive, fresh, CellLocks(fresh.store.uri))
    fresh_id = fresh.reader.find_finished_run(spec.key)
    assert fresh_id
    assert fresh.reader.load_result(fresh_id) == recorded
