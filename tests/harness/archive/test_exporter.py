import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from harness.archive.exporter import export_study
from harness.tracking.result_files import render_result_files
from harness.tracking.study_reader import WEIGHT_FILES
from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.archive.tiny_study import (
    FAILED,
    FINISHED,
    REASON,
    SMALL,
    SMALL_FINISHED,
    contents,
    read_files,
)
from tests.harness.stores import copy_store
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import STUDY, result


def _list_names(path: Path) -> list[str]:
    return zipfile.ZipFile(path).namelist()


def test_archive_holds_the_artifacts_of_every_finished_cell_only(archive_path: Path) -> None:
    keys = {name.split("/")[1] for name in _list_names(archive_path) if name.startswith("cells/")}
    assert keys == {spec.key for spec in FINISHED}
    assert FAILED.key not in keys
    assert not [name for name in _list_names(archive_path) if "notes of mine" in name]
    assert REASON in zipfile.ZipFile(archive_path).read("failures.json").decode()


def test_weights_are_left_out_by_default(archive_path: Path) -> None:
    assert not [name for name in _list_names(archive_path) if name.endswith(WEIGHT_FILES)]


def test_images_are_stored_and_texts_are_deflated_with_a_fixed_time(archive_path: Path) -> None:
    entries = zipfile.ZipFile(archive_path).infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {(entry.filename.endswith(".png"), entry.compress_type) for entry in entries} == {
        (True, zipfile.ZIP_STORED),
        (False, zipfile.ZIP_DEFLATED),
    }


def test_manifest_lists_the_digest_of_every_other_member(archive_path: Path) -> None:
    file = zipfile.ZipFile(archive_path)
    manifest = json.loads(file.read("manifest.json"))
    assert {member["name"]: member["sha256"] for member in manifest["members"]} == {
        name: hashlib.sha256(file.read(name)).hexdigest()
        for name in file.namelist()
        if name != "manifest.json"
    }


def test_existing_file_is_refused_and_unchanged(source: Tracker, tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"--out must name a new file; .*study\.zip exists"):
        export_study(source, STUDY.name, path)
    assert path.read_text() == "mine"


def test_unknown_study_is_refused_and_leaves_no_file(source: Tracker, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other-study"):
        export_study(source, "other-study", tmp_path / "study.zip")
    assert not list(tmp_path.iterdir())


def test_archive_is_complete_and_reproducible(
    source: Tracker, archive_path: Path, tmp_path: Path, harness: Run
) -> None:
    status, out, err = harness("export", "--tracking-uri", source.store.uri, "--json")
    assert status == 0, err
    document = json.loads(out)
    again = Path(f"{STUDY.name}.zip").read_bytes()
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
    assert manifest["study"] == STUDY.name
    assert {m["name"]: (m["size"], m["sha256"]) for m in manifest["members"]} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()
    }
    assert not list(tmp_path.glob(".*.zip*")), "no unfinished run is left"


@pytest.mark.slow
def test_weights_are_exported_on_request_and_never_unpickled(
    small: Tracker, target: Tracker, tmp_path: Path, harness: Run
) -> None:
    args = ("export", SMALL.name, "--weights", "--out", "deep/with.zip", "--tracking-uri", small.store.uri)
    status, out, err = harness(*args)
    assert (status, out.strip()) == (0, "deep/with.zip"), err
    status, _, err = harness("import", "deep/with.zip")
    assert status == 0, err
    packed = contents(Path("deep/with.zip"))
    for spec, name in zip(SMALL_FINISHED, ("weights.pt", "weights.safetensors"), strict=True):
        run_id = target.reader.find_finished_run(spec.key)
        assert run_id is not None
        weights = target.reader.download_weights(run_id, str(tmp_path))
        assert (weights.name, weights.read_bytes()) == (name, packed[f"cells/{spec.key}/{name}"])


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        (("export", "ablation-x"), ("ablation-x", STUDY.name)),
        (("export", "--out", "there.zip"), ("--out", "there.zip", "name another")),
        (("export", "--out", "there.zip/x.zip"), ("there.zip", "name another")),
    ],
)
def test_impossible_export_is_an_error(
    source: Tracker, harness: Run, args: tuple[str, ...], fragments: tuple[str, ...]
) -> None:
    Path("there.zip").write_text("mine")
    status, out, err = harness(*args, "--tracking-uri", source.store.uri)
    assert (status, out) == (2, "")
    assert all(word in err for word in fragments), err
    assert Path("there.zip").read_text() == "mine"
    assert {name for name in read_files(Path()) if not name.startswith("cache/")} == {"there.zip"}


def test_run_with_a_foreign_key_is_not_exported(small: Tracker, tmp_path: Path) -> None:
    other = copy_store(small, tmp_path / "there")
    run_id = other.reader.find_finished_run(SMALL_FINISHED[0].key)
    assert run_id is not None
    other.store.client.set_tag(run_id, KEY_TAG, "0123456789abcdef")
    with raises_code("export.key-mismatch", run_id, "0123456789abcdef"):
        export_study(other, SMALL.name, tmp_path / "study.zip")
    assert not list(tmp_path.glob("*study.zip*"))
