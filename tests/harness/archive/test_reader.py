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
from tests.harness.archive.archived import (
    FAILED,
    FINISHED,
    LATENCY,
    REASON,
    SMALL,
    SMALL_FINISHED,
    TIMED,
    contents,
    empty,
    fresh,
    timed,
    written,
)
from tests.harness.stores import copy_store
from tests.harness.tiny import Run
from tests.harness.tracking.test_tracker import OTHER, keep, lose, result
from tests.harness.tracking.test_tracker import STUDY as TINY


@pytest.fixture
def here(tmp_path: Path, blank: Path) -> Tracker:
    """Return a tracker with another, empty store in the working folder."""
    return fresh(tmp_path, blank)


RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")


def cells(ledger: Tracker) -> dict[str, tuple[object, ...]]:
    """Return MLflow's record of each cell except ids and times, by run name; a duplicate cell is an error."""
    found: dict[str, tuple[object, ...]] = {}
    with closing(sqlite3.connect(get_sqlite_path(ledger.uri))) as store:
        # MLflow's client would need a query for each metric of each run.
        rows = store.execute("SELECT run_uuid, key, step, value FROM metrics ORDER BY key, step").fetchall()
    for run in ledger.search_runs(f"tags.`{PARENT_TAG}` != ''"):
        tags, name = run.data.tags, run.data.tags[NAME_TAG]
        assert name not in found, "a cell is there twice"
        curves = tuple(point for run_id, *point in rows if run_id == run.info.run_id)
        files = {item.path for item in ledger.client.list_artifacts(run.info.run_id)}
        found[name] = (
            run.info.status,
            tags[KEY_TAG],
            tags[SPEC_TAG],
            tags.get("harness.reason"),
            dict(run.data.params),
            curves,
            files - {*WEIGHT_FILES, "notes of mine.txt"},
        )
    return found


def test_what_is_imported_shows_and_reports_what_was_exported(
    source: Tracker, packed: Path, here: Tracker, harness: Run
) -> None:
    status, out, err = harness("import", packed, "--json")
    assert status == 0, err
    told = json.loads(out)
    assert (len(told["imported"]), told["failed"], told["here"]) == (6, [FAILED.key], [])
    assert told["report_as_exported"] is True
    assert cells(here) == cells(source)
    before, after = (ledger.load_study(TINY.name) for ledger in (source, here))
    assert after[1] == before[1]
    assert replace(after[0], run_ids=()) == replace(before[0], run_ids=())
    report, found = Path(told["report"]), contents(packed)
    assert report == Path("results", TINY.name, "report.md")
    assert REASON.split(":")[0] in report.read_text()
    for name, data in written(report.parent).items():
        exported = found[f"report/{name}"]
        if name in ("report.md", "report.html", "report.json"):
            texts = [RUN_ID.sub("", text.decode()) for text in (data, exported)]
            assert texts[0] == texts[1]
            assert data != exported, "the trace names this ledger's runs"
        else:
            assert data == exported, name
    for run in here.search_runs(f"tags.`{IMPORTED_TAG}` != '' and attributes.status = 'FINISHED'"):
        original = run.data.tags[IMPORTED_TAG]
        assert run.data.tags[NOTE_TAG] == f"Imported from study.zip, where its run id was {original}."
        assert source.client.get_run(original).data.tags[KEY_TAG] == run.data.tags[KEY_TAG]


def test_the_archive_holds_the_study_and_no_more_and_is_the_same_each_time(
    source: Tracker, packed: Path, tmp_path: Path, harness: Run
) -> None:
    status, out, err = harness("export", "--tracking-uri", source.uri, "--json")
    assert status == 0, err
    told = json.loads(out)
    again = Path(f"{TINY.name}.zip").read_bytes()
    assert again == packed.read_bytes()
    assert (told["bytes"], told["sha256"]) == (len(again), hashlib.sha256(again).hexdigest())
    assert (told["finished"], told["failed"], told["cells"]) == (6, 1, 8)
    assert "6 of 8 cells finished, 1 failed, 1 not run" in err
    found = contents(packed)
    cell = {"result.json", "predictions.csv", "environment.json", "confusion_matrix.csv", "curves.png"}
    for spec in FINISHED:
        assert {name.split("/")[2] for name in found if spec.key in name} == cell
        parts = render_result_files(result(spec))
        assert all(found[f"cells/{spec.key}/{name}"].decode() == text for name, text in parts.items())
    assert {"pictures/samples.png", "pictures/augmentation.png", "report/report.md", "study.json"} <= set(
        found
    )
    manifest = json.loads(found.pop("manifest.json"))
    assert manifest["study"] == TINY.name
    assert {m["name"]: (m["size"], m["sha256"]) for m in manifest["members"]} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in found.items()
    }
    assert not list(tmp_path.glob(".*.zip*")), "nothing half-written is left"


def test_weights_travel_if_asked_for_and_nobody_unpickles_them(
    small: Tracker, here: Tracker, tmp_path: Path, harness: Run
) -> None:
    args = ("export", SMALL.name, "--weights", "--out", "deep/with.zip", "--tracking-uri", small.uri)
    status, out, err = harness(*args)
    assert (status, out.strip()) == (0, "deep/with.zip"), err
    status, _, err = harness("import", "deep/with.zip")
    assert status == 0, err
    packed = contents(Path("deep/with.zip"))
    for spec, name in zip(SMALL_FINISHED, ("weights.pt", "weights.safetensors"), strict=True):
        run_id = here.find_finished_run(spec.key)
        assert run_id is not None
        weights = here.download_weights(run_id, str(tmp_path))
        assert (weights.name, weights.read_bytes()) == (name, packed[f"cells/{spec.key}/{name}"])


def test_weights_that_an_import_lacks_come_with_a_second_archive(
    small: Tracker, packed_small: Path, here: Tracker, tmp_path: Path, harness: Run
) -> None:
    with open_archive(packed_small) as archive:
        import_study(archive, here, CellLocks(here.uri))
    run_id = here.find_finished_run(SMALL_FINISHED[1].key)
    assert run_id is not None
    with raises_code("weights.not-exported", run_id, f"(`harness export {SMALL.name} --weights`)"):
        here.download_weights(run_id, str(tmp_path))
    # The remedy in the message works, once.
    export_study(small, SMALL.name, tmp_path / "with.zip", include_weights=True)
    status, out, err = harness("import", "with.zip", "--json")
    assert (status, json.loads(out)["weights_added"]) == (0, sorted(spec.key for spec in SMALL_FINISHED))
    assert "nothing was changed" not in err
    assert here.download_weights(run_id, str(tmp_path)).read_bytes() == b"weights"
    with open_archive(Path("with.zip")) as archive:
        assert not import_study(archive, here, CellLocks(here.uri)).has_changes


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("export", "ablation-x"), ("ablation-x", TINY.name)),
        (("export", "--out", "there.zip"), ("--out", "there.zip", "name another")),
        (("export", "--out", "there.zip/x.zip"), ("there.zip", "name another")),
    ],
)
def test_an_export_that_cannot_be_is_told(
    source: Tracker, harness: Run, args: tuple[str, ...], words: tuple[str, ...]
) -> None:
    Path("there.zip").write_text("mine")
    status, out, err = harness(*args, "--tracking-uri", source.uri)
    assert (status, out) == (2, "")
    assert all(word in err for word in words), err
    assert Path("there.zip").read_text() == "mine"
    assert {name for name in written(Path()) if not name.startswith("cache/")} == {"there.zip"}


def test_nothing_to_export_and_nothing_to_import_are_told(harness: Run) -> None:
    assert harness("export")[0] == 2
    status, out, err = harness("import", "away.zip")
    assert (status, out) == (2, "")
    assert "away.zip" in err
    assert not list(Path().iterdir())


def test_a_second_import_changes_nothing_and_says_so(packed_small: Path, here: Tracker, harness: Run) -> None:
    with open_archive(packed_small) as archive:
        import_study(archive, here, CellLocks(here.uri))
    runs = [run.to_dictionary() for run in here.search_runs("")]
    files = written(Path("mlruns"))
    status, out, err = harness("import", packed_small, "--json")
    assert status == 0
    told = json.loads(out)
    assert (told["imported"], told["reused"], told["failed"], told["differing"]) == ([], [], [], [])
    assert len(told["here"]) == 3
    assert "nothing was changed" in err
    assert [run.to_dictionary() for run in here.search_runs("")] == runs
    assert written(Path("mlruns")) == files


def test_importing_where_it_was_exported_changes_nothing(
    small: Tracker, packed_small: Path, tmp_path: Path, harness: Run
) -> None:
    ledger = copy_store(small, tmp_path / "own")
    runs = [run.to_dictionary() for run in ledger.search_runs("")]
    status, _, err = harness("import", packed_small, "--tracking-uri", ledger.uri)
    assert status == 0
    assert "nothing was changed" in err
    assert "the report equals the exported one" in err
    assert [run.to_dictionary() for run in ledger.search_runs("")] == runs


class Killed(BaseException):
    """Simulates a kill; only `finally` blocks and context managers handle it."""


def kill_after(steps: int, ledger: Tracker, patch: pytest.MonkeyPatch) -> None:
    """Make every write of a tracker after the first `steps` raise `Killed`, also writes during cleanup."""
    left = steps

    def counted(method: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return method(*args, **options)

        return call

    for name in (
        *("create_run", "set_tag", "log_batch", "log_artifacts", "set_terminated", "log_text"),
        "log_artifact",
    ):
        patch.setattr(ledger._client, name, counted(getattr(ledger._client, name)))


@pytest.mark.parametrize(
    "step",
    [1, 2, 4, 7, 8, 17, 20, *(pytest.param(step, marks=pytest.mark.slow) for step in (0, 6, 9, 15, 22))],
)
def test_an_import_killed_at_any_write_is_completed_by_the_next(
    small: Tracker, packed_small: Path, here: Tracker, step: int
) -> None:
    first = Tracker(here.uri)
    with pytest.MonkeyPatch.context() as patch, open_archive(packed_small) as found:
        kill_after(step, first, patch)
        with pytest.raises(Killed):
            import_study(found, first, CellLocks(first.uri))
        entered = import_study(found, here, CellLocks(here.uri))
    assert entered.has_changes or step >= 20, "only the figures were left"
    assert here.load_study(SMALL.name)[1] == small.load_study(SMALL.name)[1]
    for run in here.search_runs(f"tags.`{PARENT_TAG}` != '' and attributes.status = 'KILLED'"):
        here.client.delete_run(run.info.run_id)
    assert not here.search_runs("attributes.status = 'RUNNING'")
    assert cells(here) == cells(small)


def test_cells_that_another_study_has_finished_are_reused_and_what_differs_is_told(
    packed_small: Path, here: Tracker, tmp_path: Path, harness: Run
) -> None:
    same, other = SMALL_FINISHED
    ids = keep(here, [same], parent=(parent := here.open_study(OTHER)), folder=tmp_path / "kept")
    changed = replace(result(other), predictions=tuple(map(_turned, result(other).predictions)))
    ids[other.key] = here.start_run(other, parent=parent)
    here.finish_run(ids[other.key], changed, folder=empty(tmp_path / "changed"))
    status, out, err = harness("import", packed_small, "--json")
    assert status == 0
    told = json.loads(out)
    assert sorted(told["reused"]) == sorted(ids)
    assert told["differing"] == [other.key]
    assert f"warning: the results of {other.key} in this store differ" in err
    assert told["report_as_exported"] is False
    found, _ = here.load_study(SMALL.name)
    assert {key: run for key, run in found.run_ids if key in ids} == ids
    assert _find_result(found, other) == changed
    assert len(here.search_runs(f"tags.`{KEY_TAG}` = '{same.key}'")) == 1
    assert len(here.search_runs(f"tags.`{REUSES_TAG}` != ''")) == 2


def _turned(answer: Prediction) -> Prediction:
    return replace(answer, probabilities=answer.probabilities[::-1])


def test_a_cell_that_is_gone_here_is_entered_again(packed_small: Path, here: Tracker) -> None:
    key = SMALL_FINISHED[0].key
    with open_archive(packed_small) as found:
        import_study(found, here, CellLocks(here.uri))
        run_id = here.find_finished_run(key)
        assert run_id is not None
        lose(here, run_id)
        again = import_study(found, here, CellLocks(here.uri))
    assert again.imported == [key]
    assert len(here.load_study(SMALL.name)[0].results) == 2


def test_a_cell_that_another_process_is_at_is_left_to_it(packed_small: Path, here: Tracker) -> None:
    busy = SMALL_FINISHED[1].key
    with open_archive(packed_small) as found:
        with (
            CellLocks(here.uri).lock(busy),
            pytest.raises(StudyAborted, match="is running 1 of the cells"),
        ):
            import_study(found, here, CellLocks(here.uri))
        assert here.find_finished_run(busy) is None
        assert import_study(found, here, CellLocks(here.uri)).imported == [busy]


def test_times_of_another_device_stand_beside_those_of_this_one(
    here: Tracker, tmp_path: Path, blank: Path
) -> None:
    there = fresh(tmp_path / "there", blank)
    gpu = timed(there, tmp_path / "gpu", device="gpu")
    timed(here, tmp_path / "cpu", device="cpu")
    with open_archive(export_study(there, TIMED.name, tmp_path / "timed.zip").path) as found:
        assert import_study(found, here, CellLocks(here.uri)).imported == [LATENCY.key]
        assert not import_study(found, here, CellLocks(here.uri)).has_changes
    assert _find_result(here.load_study(TIMED.name)[0], LATENCY) == gpu


def test_a_study_of_an_earlier_recipe_is_imported_under_its_keys_of_then(
    small: Tracker, here: Tracker, tmp_path: Path
) -> None:
    there = copy_store(small, tmp_path / "there")
    for run in there.search_runs(f"tags.`{KEY_TAG}` != ''"):
        spec = json.loads(run.data.tags[SPEC_TAG])
        there.client.set_tag(run.info.run_id, KEY_TAG, _earlier(spec))
    path = export_study(there, SMALL.name, tmp_path / "study.zip").path
    with open_archive(path) as found:
        assert found.cell_keys == tuple(sorted(_earlier(to_data(spec)) for spec in SMALL_FINISHED))
        import_study(found, here, CellLocks(here.uri))
        assert not import_study(found, here, CellLocks(here.uri)).has_changes
    loaded, _ = here.load_study(SMALL.name)
    assert loaded.results == tuple(map(result, SMALL_FINISHED))
    assert [failure.reason for failure in loaded.failures] == [REASON]
    assert here.find_finished_run(SMALL_FINISHED[0].key) is None, "it answers for no run of now"
    back = export_study(here, SMALL.name, tmp_path / "back.zip").path
    cells = [{n: data for n, data in contents(p).items() if n.startswith("cells/")} for p in (path, back)]
    assert cells[0] == cells[1]


def test_a_run_whose_key_is_not_its_own_is_not_exported(small: Tracker, tmp_path: Path) -> None:
    there = copy_store(small, tmp_path / "there")
    run_id = there.find_finished_run(SMALL_FINISHED[0].key)
    there.client.set_tag(run_id, KEY_TAG, "0123456789abcdef")
    with raises_code("export.key-mismatch", run_id, "0123456789abcdef"):
        export_study(there, SMALL.name, tmp_path / "study.zip")
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
def test_a_study_of_too_many_runs_is_refused_before_they_are_listed(
    document: dict[str, object], accepted: bool
) -> None:
    with nullcontext() if accepted else raises_code("archive.too-many-runs"):
        _check_size(document)
