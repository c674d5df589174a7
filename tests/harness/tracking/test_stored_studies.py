"""Tests that runs stored before training seeds and split seeds were separated are loaded and reused.

`tests/fixtures/store-recipe2.tar.xz` holds a tracking store, its artifacts without weights and figures, and
the images; `export-recipe2.zip` a study of two seeds. Both were written at commit a9ef3bb.
"""

import sqlite3
import tarfile
from pathlib import Path

import pytest

from studies.codec import from_json
from studies.spec import RunSpec
from tests.harness.tiny import Run

FIXTURES = Path(__file__).parents[2] / "fixtures"
OPTIONS = (
    *("--dataset", "folder", "--root", "faces", "--only", "proposed", "--preset", "quick"),
    *("--epochs", "1", "--image-size", "32", "--width", "0.0625", "--engine", "eager"),
)
KEYS = {
    ("frame", 0, 0, "none"): "cb5170ff866ccdd3",
    ("frame", 1, 0, "none"): "c7feb350c753fd92",
    ("kfold", 0, 0, "none"): "7903b38ce4d1c0f8",
    ("kfold", 1, 0, "none"): "6b31a3c20588074a",
    ("frame", 0, 0, "shuffled-labels"): "75187cb11e818a70",
    ("frame", 0, 0, "onset-frame"): "e292b4824f28748a",
    ("frame", 0, 0, "identity-probe"): "46259b3c126e98e1",
    ("frame", 0, 0, "cross-entropy"): "a476fe9b1786f82f",
    ("frame", 0, 0, "robustness"): "430db4a718f9eff9",
    ("frame", 0, 0, "latency"): "a17d777255256b6a",
}
"""Keys by protocol, split seed, fold and variant."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Unpack the store and its images into the working folder, and return that folder."""
    with tarfile.open(FIXTURES / "store-recipe2.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    script = (tmp_path / "store.sql").read_text().replace("@ROOT@", str(tmp_path))
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.executescript(script)
    database.close()
    return tmp_path


def _specs(store: Path) -> dict[str, RunSpec]:
    """Return the stored specs by their original keys."""
    with sqlite3.connect(store / "mlflow.db") as database:
        rows = database.execute(
            "SELECT k.value, s.value FROM tags k JOIN tags s USING (run_uuid) "
            "WHERE k.key = 'harness.key' AND s.key = 'harness.spec'"
        ).fetchall()
    database.close()
    return {key: from_json(RunSpec, spec) for key, spec in rows}


def test_stored_runs_keep_keys_of_unchanged_trainings(store: Path) -> None:
    specs = _specs(store)
    unchanged = {
        (s.protocol, s.split_seed, s.fold, s.variant): key for key, s in specs.items() if s.key == key
    }

    assert unchanged == KEYS
    assert {s.seed for s in specs.values()} == {0}
    # Each fold now has its own random stream, so later folds are different trainings.
    assert {s.fold for key, s in specs.items() if s.key != key} == {1, 2}


@pytest.mark.parametrize(
    ("options", "name", "reused", "waiting"),
    [
        (("--protocol", "frame", "--splits", "2"), "comparison-folder-frame-quick-20dbad", 2, 0),
        (("--protocol", "frame", "--controls", "--checks"), "comparison-folder-frame-quick-9cf2d8", 7, 0),
        (
            ("--protocol", "frame,kfold", "--folds", "3", "--splits", "2"),
            "comparison-folder-frame+kfold-quick-554704",
            4,
            4,
        ),
        (("--protocol", "frame", "--seeds", "5"), "", 1, 4),
        (("--protocol", "frame", "--metric", "uar", "--margin", "3"), "", 1, 0),
    ],
)
def test_same_command_reuses_stored_runs(
    store: Path, harness: Run, options: tuple[str, ...], name: str, reused: int, waiting: int
) -> None:
    code, out, err = harness("compare", *OPTIONS, *options, "--dry-run")

    assert code == 0
    assert f"plan: {waiting} cells to run, {reused} reused" in err
    assert name in out


@pytest.mark.slow
def test_stored_study_is_reported_without_a_verdict(store: Path, harness: Run) -> None:
    code, out, _ = harness("report", "comparison-folder-frame+kfold-quick-554704")
    report = Path(out.split()[-1]).read_text()

    assert code == 0
    assert "8 of 8 runs finished" in report
    assert "1589e50e6a8447f6b45640bb9563a287" in report


@pytest.mark.slow
def test_stored_export_is_imported_with_its_keys(tmp_path: Path, harness: Run) -> None:
    code, _, _ = harness("import", FIXTURES / "export-recipe2.zip")
    assert code == 0
    code, out, _ = harness("report")
    report = Path(out.split()[-1]).read_text()

    assert code == 0
    for key in (KEYS["frame", 0, 0, "none"], KEYS["frame", 1, 0, "none"]):
        assert key in report
