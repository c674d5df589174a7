"""Tests of exporting a study and importing it elsewhere: the numbers stay the same."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from harness.archive.exporter import export_study
from harness.archive.importer import import_study
from harness.archive.reader import MAX_RUNS, _check_size, open_archive
from harness.errors import StudyAborted
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.result_files import render_result_files
from harness.tracking.study_reader import WEIGHT_FILES
from harness.tracking.tags import IMPORTED_TAG, KEY_TAG, NAME_TAG, NOTE_TAG, PARENT_TAG, REUSES_TAG, SPEC_TAG
from harness.tracking.tracker import Tracker
from harness.tracking.uri import get_sqlite_path
from studies.codec import to_data, to_json
from studies.results import Prediction, RunResult, StudyResult
from studies.spec import RunSpec
from tests.error_codes import raises_code
from tests.harness.archive.tiny_study import (
    FAILED,
    FINISHED,
    LATENCY,
    REASON,
    SMALL,
    SMALL_FINISHED,
    TIMED,
    contents,
    empty,
    log_latency,
    make_study,
    new_tracker,
    read_files,
)
from tests.harness.stores import copy_store
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import OTHER, delete_artifacts, log_finished_runs, result
from tests.harness.tracking.small_study import STUDY as TINY


@pytest.fixture
def target(tmp_path: Path, blank: Path) -> Tracker:
    """Return a tracker with another, empty store in the working folder."""
    return new_tracker(tmp_path, blank)


RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")


def cells(tracker: Tracker) -> dict[str, tuple[object, ...]]:
    """Return MLflow's record of each cell except ids and times, by run name; a duplicate cell is an error."""
    records: dict[str, tuple[object, ...]] = {}
    with closing(sqlite3.connect(get_sqlite_path(tracker.uri))) as store:
        # MLflow's client would need a query for each metric of each run.
        rows = store.execute("SELECT run_uuid, key, step, value FROM metrics ORDER BY key, step").fetchall()
    for run in tracker.search_runs(f"tags.`{PARENT_TAG}` != ''"):
        tags, name = run.data.tags, run.data.tags[NAME_TAG]
        assert name not in records, "a cell has two runs"
        curves = tuple(point for run_id, *point in rows if run_id == run.info.run_id)
        files = {item.path for item in tracker.client.list_artifacts(run.info.run_id)}
        records[name] = (
            run.info.status,
            tags[KEY_TAG],
            tags[SPEC_TAG],
            tags.get("harness.reason"),
            dict(run.data.params),
            curves,
            files - {*WEIGHT_FILES, "notes of mine.txt"},
        )
    return records


def test_import_shows_and_reports_the_exported_study(
    source: Tracker, archive_path: Path, target: Tracker, harness: Run
) -> None:
    status, out, err = harness("import", archive_path, "--json")
    assert status == 0, err
    document = json.loads(out)
    assert (len(document["imported"]), document["failed"], document["here"]) == (6, [FAILED.key], [])
    assert document["report_as_exported"] is True
    assert cells(target) == cells(source)
    before, after = (tracker.load_study(TINY.name) for tracker in (source, target))
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
    for run in target.search_runs(f"tags.`{IMPORTED_TAG}` != '' and attributes.status = 'FINISHED'"):
        original = run.data.tags[IMPORTED_TAG]
        assert run.data.tags[NOTE_TAG] == f"Imported from study.zip, where its run id was {original}."
        assert source.client.get_run(original).data.tags[KEY_TAG] == run.data.tags[KEY_TAG]


def test_archive_is_complete_and_reproducible(
    source: Tracker, archive_path: Path, tmp_path: Path, harness: Run
) -> None:
    status, out, err = harness("export", "--tracking-uri", source.uri, "--json")
    assert status == 0, err
    document = json.loads(out)
    again = Path(f"{TINY.name}.zip").read_bytes()
    assert again == archive_path.read_bytes()
    assert (document["bytes"], document["sha256"]) == (len(again), hashlib.sha256(again).hexdigest())
    assert (document["finished"], document["failed"], document["cells"]) == (6, 1, 8)
    assert "6 of 8 cells finished, 1 failed, 1 not run" in err
    members = contents(archive_path)
    cell = {"result.json", "predictions.csv", "environment.json", "confusion_matrix.csv", "curves.png"}
    for spec in FINISHED:
        assert {name.split("/")[2] for name in members if spec.key in name} == cell
        parts = render_result_files(result(spec))
        assert all(members[f"cells/{spec.key}/{name}"].decode() == text for name, text in parts.items())
    assert {"pictures/samples.png", "pictures/augmentation.png", "report/report.md", "study.json"} <= set(
        members
    )
    manifest = json.loads(members.pop("manifest.json"))
    assert manifest["study"] == TINY.name
    assert {m["name"]: (m["size"], m["sha256"]) for m in manifest["members"]} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()
    }
    assert not list(tmp_path.glob(".*.zip*")), "no unfinished run is left"


@pytest.mark.slow
def test_weights_are_exported_on_request_and_never_unpickled(
    small: Tracker, target: Tracker, tmp_path: Path, harness: Run
) -> None:
    args = ("export", SMALL.name, "--weights", "--out", "deep/with.zip", "--tracking-uri", small.uri)
    status, out, err = harness(*args)
    assert (status, out.strip()) == (0, "deep/with.zip"), err
    status, _, err = harness("import", "deep/with.zip")
    assert status == 0, err
    packed = contents(Path("deep/with.zip"))
    for spec, name in zip(SMALL_FINISHED, ("weights.pt", "weights.safetensors"), strict=True):
        run_id = target.find_finished_run(spec.key)
        assert run_id is not None
        weights = target.download_weights(run_id, str(tmp_path))
        assert (weights.name, weights.read_bytes()) == (name, packed[f"cells/{spec.key}/{name}"])


@pytest.mark.slow
def test_weights_that_an_import_lacks_come_with_a_second_archive(
    small: Tracker, packed_small: Path, target: Tracker, tmp_path: Path, harness: Run
) -> None:
    with open_archive(packed_small) as archive:
        import_study(archive, target, CellLocks(target.uri))
    run_id = target.find_finished_run(SMALL_FINISHED[1].key)
    assert run_id is not None
    with raises_code("weights.not-exported", run_id, f"(`harness export {SMALL.name} --weights`)"):
        target.download_weights(run_id, str(tmp_path))
    # The remedy in the message works, once.
    export_study(small, SMALL.name, tmp_path / "with.zip", include_weights=True)
    status, out, err = harness("import", "with.zip", "--json")
    assert (status, json.loads(out)["weights_added"]) == (0, sorted(spec.key for spec in SMALL_FINISHED))
    assert "nothing was changed" not in err
    assert target.download_weights(run_id, str(tmp_path)).read_bytes() == b"weights"
    with open_archive(Path("with.zip")) as archive:
        assert not import_study(archive, target, CellLocks(target.uri)).has_changes


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        (("export", "ablation-x"), ("ablation-x", TINY.name)),
        (("export", "--out", "there.zip"), ("--out", "there.zip", "name another")),
        (("export", "--out", "there.zip/x.zip"), ("there.zip", "name another")),
    ],
)
def test_impossible_export_is_an_error(
    source: Tracker, harness: Run, args: tuple[str, ...], fragments: tuple[str, ...]
) -> None:
    Path("there.zip").write_text("mine")
    status, out, err = harness(*args, "--tracking-uri", source.uri)
    assert (status, out) == (2, "")
    assert all(word in err for word in fragments), err
    assert Path("there.zip").read_text() == "mine"
    assert {name for name in read_files(Path()) if not name.startswith("cache/")} == {"there.zip"}


def test_missing_study_or_archive_is_an_error(harness: Run) -> None:
    assert harness("export")[0] == 2
    status, out, err = harness("import", "away.zip")
    assert (status, out) == (2, "")
    assert "away.zip" in err
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_second_import_changes_nothing(packed_small: Path, target: Tracker, harness: Run) -> None:
    with open_archive(packed_small) as archive:
        import_study(archive, target, CellLocks(target.uri))
    runs = [run.to_dictionary() for run in target.search_runs("")]
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
    assert [run.to_dictionary() for run in target.search_runs("")] == runs
    assert read_files(Path("mlruns")) == files


@pytest.mark.slow
def test_import_into_the_source_store_changes_nothing(
    small: Tracker, packed_small: Path, tmp_path: Path, harness: Run
) -> None:
    tracker = copy_store(small, tmp_path / "own")
    runs = [run.to_dictionary() for run in tracker.search_runs("")]
    status, _, err = harness("import", packed_small, "--tracking-uri", tracker.uri)
    assert status == 0
    assert "nothing was changed" in err
    assert "the report equals the exported one" in err
    assert [run.to_dictionary() for run in tracker.search_runs("")] == runs


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
        patch.setattr(tracker._client, name, calls(getattr(tracker._client, name)))


@pytest.mark.parametrize(
    "step",
    [1, 2, 4, 7, 8, 17, 20, *(pytest.param(step, marks=pytest.mark.slow) for step in (0, 6, 9, 15, 22))],
)
def test_next_import_completes_a_killed_one(
    small: Tracker, packed_small: Path, target: Tracker, step: int
) -> None:
    first = Tracker(target.uri)
    with pytest.MonkeyPatch.context() as patch, open_archive(packed_small) as archive:
        kill_after(step, first, patch)
        with pytest.raises(SimulatedKill):
            import_study(archive, first, CellLocks(first.uri))
        entered = import_study(archive, target, CellLocks(target.uri))
    assert entered.has_changes or step >= 20, "only the figures were left"
    assert target.load_study(SMALL.name)[1] == small.load_study(SMALL.name)[1]
    for run in target.search_runs(f"tags.`{PARENT_TAG}` != '' and attributes.status = 'KILLED'"):
        target.client.delete_run(run.info.run_id)
    assert not target.search_runs("attributes.status = 'RUNNING'")
    assert cells(target) == cells(small)


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
    study, _ = target.load_study(SMALL.name)
    assert {key: run for key, run in study.run_ids if key in ids} == ids
    assert _find_result(study, other) == changed
    assert len(target.search_runs(f"tags.`{KEY_TAG}` = '{same.key}'")) == 1
    assert len(target.search_runs(f"tags.`{REUSES_TAG}` != ''")) == 2


def _reverse_probabilities(prediction: Prediction) -> Prediction:
    return replace(prediction, probabilities=prediction.probabilities[::-1])


def test_missing_cell_is_imported_again(packed_small: Path, target: Tracker) -> None:
    key = SMALL_FINISHED[0].key
    with open_archive(packed_small) as archive:
        import_study(archive, target, CellLocks(target.uri))
        run_id = target.find_finished_run(key)
        assert run_id is not None
        delete_artifacts(target, run_id)
        again = import_study(archive, target, CellLocks(target.uri))
    assert again.imported == [key]
    assert len(target.load_study(SMALL.name)[0].results) == 2


def test_locked_cell_is_not_imported(packed_small: Path, target: Tracker) -> None:
    busy = SMALL_FINISHED[1].key
    with open_archive(packed_small) as archive:
        with (
            CellLocks(target.uri).lock(busy),
            pytest.raises(StudyAborted, match="is running 1 of the cells"),
        ):
            import_study(archive, target, CellLocks(target.uri))
        assert target.find_finished_run(busy) is None
        assert import_study(archive, target, CellLocks(target.uri)).imported == [busy]


def test_latencies_of_both_devices_are_stored(target: Tracker, tmp_path: Path, blank: Path) -> None:
    other = new_tracker(tmp_path / "there", blank)
    gpu = log_latency(other, tmp_path / "gpu", device="gpu")
    log_latency(target, tmp_path / "cpu", device="cpu")
    with open_archive(export_study(other, TIMED.name, tmp_path / "timed.zip").path) as archive:
        assert import_study(archive, target, CellLocks(target.uri)).imported == [LATENCY.key]
        assert not import_study(archive, target, CellLocks(target.uri)).has_changes
    assert _find_result(target.load_study(TIMED.name)[0], LATENCY) == gpu


def test_study_of_an_earlier_version_keeps_its_keys(small: Tracker, target: Tracker, tmp_path: Path) -> None:
    other = copy_store(small, tmp_path / "there")
    for run in other.search_runs(f"tags.`{KEY_TAG}` != ''"):
        spec = json.loads(run.data.tags[SPEC_TAG])
        other.client.set_tag(run.info.run_id, KEY_TAG, _earlier(spec))
    path = export_study(other, SMALL.name, tmp_path / "study.zip").path
    with open_archive(path) as archive:
        assert archive.cell_keys == tuple(sorted(_earlier(to_data(spec)) for spec in SMALL_FINISHED))
        import_study(archive, target, CellLocks(target.uri))
        assert not import_study(archive, target, CellLocks(target.uri)).has_changes
    loaded, _ = target.load_study(SMALL.name)
    assert loaded.results == tuple(map(result, SMALL_FINISHED))
    assert [failure.reason for failure in loaded.failures] == [REASON]
    assert target.find_finished_run(SMALL_FINISHED[0].key) is None, "no current run has this key"
    exported = export_study(target, SMALL.name, tmp_path / "back.zip").path
    cells = [{n: data for n, data in contents(p).items() if n.startswith("cells/")} for p in (path, exported)]
    assert cells[0] == cells[1]


def test_run_with_a_foreign_key_is_not_exported(small: Tracker, tmp_path: Path) -> None:
    other = copy_store(small, tmp_path / "there")
    run_id = other.find_finished_run(SMALL_FINISHED[0].key)
    assert run_id is not None
    other.client.set_tag(run_id, KEY_TAG, "0123456789abcdef")
    with raises_code("export.key-mismatch", run_id, "0123456789abcdef"):
        export_study(other, SMALL.name, tmp_path / "study.zip")
    assert not list(tmp_path.glob("*study.zip*"))


def _earlier(spec: dict[str, object]) -> str:
    """Return a run's key in training version 1, before specs of networks had a source."""
    architecture = {**spec["architecture"], "name": "", "source": ""}  # type: ignore[dict-item]
    return hashlib.sha256(f"1 {to_json({**spec, 'architecture': architecture})}".encode()).hexdigest()[:16]


def _find_result(study: StudyResult, spec: RunSpec) -> RunResult | None:
    return next((result for result in study.results if result.spec.key == spec.key), None)


@pytest.mark.parametrize(
    ("document", "accepted"),
    [
        ({"protocols": ["frame"], "arms": [1], "seeds": [0], "training_seeds": [0]}, True),
        ({"protocols": ["frame"], "arms": [1], "training_seeds": [0] * 1000}, True),
        ({"protocols": ["frame"], "arms": [1], "training_seeds": [0] * MAX_RUNS}, False),
        ({"protocols": ["frame"], "arms": [1], "seeds": [0] * 1000, "training_seeds": [0] * 1000}, False),
        ({"protocols": ["kfold"], "folds": [MAX_RUNS], "arms": [1]}, False),
    ],
)
def test_study_of_too_many_runs_is_refused_before_they_are_listed(
    document: dict[str, object], accepted: bool
) -> None:
    with nullcontext() if accepted else raises_code("archive.too-many-runs"):
        _check_size(document)


@pytest.mark.slow
def test_record_of_the_epochs_travels_and_completes_a_run_without_it(tmp_path: Path, blank: Path) -> None:
    source, target = make_study(tmp_path / "source", blank, SMALL), new_tracker(tmp_path / "target", blank)
    clean = export_study(source, SMALL.name, tmp_path / "clean.zip").path
    spec = SMALL_FINISHED[0]
    recorded = replace(result(spec), epoch_classes=((0, 1), (1, 1)))
    run_id = source.find_finished_run(spec.key)
    assert run_id
    source.add_epoch_record(run_id, recorded)
    with_record = export_study(source, SMALL.name, tmp_path / "recorded.zip").path
    summaries = []
    for path in (clean, with_record, clean):
        with open_archive(path) as archive:
            summaries.append(import_study(archive, target, CellLocks(target.uri)))
    assert [summary.recorded for summary in summaries] == [[], [spec.key], []]
    assert not any(summary.conflicts for summary in summaries)
    imported_id = target.find_finished_run(spec.key)
    assert imported_id
    assert target.load_result(imported_id) == recorded

    fresh = new_tracker(tmp_path / "fresh", blank)
    with open_archive(with_record) as archive:
        import_study(archive, fresh, CellLocks(fresh.uri))
    fresh_id = fresh.find_finished_run(spec.key)
    assert fresh_id
    assert fresh.load_result(fresh_id) == recorded
