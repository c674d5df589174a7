"""Tests of what an archive must hold, and of the archives of earlier versions."""

import hashlib
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from harness.archive.exporter import export_study
from harness.archive.importer import import_study
from harness.archive.reader import MAX_RUNS, _check_size, open_archive
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.tags import KEY_TAG, SPEC_TAG
from harness.tracking.tracker import Tracker
from studies.codec import to_data, to_json
from tests.error_codes import raises_code
from tests.harness.archive.tiny_study import (
    REASON,
    SMALL,
    SMALL_FINISHED,
    contents,
)
from tests.harness.stores import copy_store
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import result


def test_missing_study_or_archive_is_an_error(harness: Run) -> None:
    assert harness("export")[0] == 2
    status, out, err = harness("import", "away.zip")
    assert (status, out) == (2, "")
    assert "away.zip" in err
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_study_of_an_earlier_version_keeps_its_keys(small: Tracker, target: Tracker, tmp_path: Path) -> None:
    other = copy_store(small, tmp_path / "there")
    for run in other.store.search_runs(f"tags.`{KEY_TAG}` != ''"):
        spec = json.loads(run.data.tags[SPEC_TAG])
        other.store.client.set_tag(run.info.run_id, KEY_TAG, _earlier(spec))
    path = export_study(other, SMALL.name, tmp_path / "study.zip").path
    with open_archive(path) as archive:
        assert archive.cell_keys == tuple(sorted(_earlier(to_data(spec)) for spec in SMALL_FINISHED))
        import_study(archive, target, CellLocks(target.store.uri))
        assert not import_study(archive, target, CellLocks(target.store.uri)).has_changes
    loaded, _ = target.reader.load_study(SMALL.name)
    assert loaded.results == tuple(map(result, SMALL_FINISHED))
    assert [failure.reason for failure in loaded.failures] == [REASON]
    assert target.reader.find_finished_run(SMALL_FINISHED[0].key) is None, "no current run has this key"
    exported = export_study(target, SMALL.name, tmp_path / "back.zip").path
    cells = [{n: data for n, data in contents(p).items() if n.startswith("cells/")} for p in (path, exported)]
    assert cells[0] == cells[1]


def _earlier(spec: dict[str, object]) -> str:
    """Return a run's key in training version 1, before specs of networks had a source."""
    architecture = {**spec["architecture"], "name": "", "source": ""}  # type: ignore[dict-item]
    return hashlib.sha256(f"1 {to_json({**spec, 'architecture': architecture})}".encode()).hexdigest()[:16]


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
