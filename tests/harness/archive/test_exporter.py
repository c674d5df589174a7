import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from harness.archive.exporter import export_study
from harness.tracking.study_reader import WEIGHT_FILES
from harness.tracking.tracker import Tracker
from tests.harness.archive.tiny_study import FAILED, FINISHED, REASON
from tests.harness.tracking.small_study import STUDY


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
