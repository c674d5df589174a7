import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.archive import members
from harness.archive.members import (
    FAILURES_FILE,
    FORMAT_NAME,
    FORMAT_VERSION,
    MANIFEST_FILE,
    STUDY_FILE,
    MemberReader,
    convert_zip_errors,
    is_member_name,
    parse_json,
)

KEY = "0123456789abcdef"
CONTENTS = {STUDY_FILE: b"{}", FAILURES_FILE: b"[]", f"cells/{KEY}/result.json": b'{"a": 1}'}


def _write(path: Path, contents: dict[str, bytes] = CONTENTS, **changes: Any) -> Path:
    """Write an archive of these members, with a manifest in which `changes` replace values."""
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    manifest = {"format": FORMAT_NAME, "version": FORMAT_VERSION, "study": "s", "runs": [], "commands": []}
    manifest |= {"members": listed, **changes}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
        file.writestr(MANIFEST_FILE, json.dumps(manifest))
    return path


def _read(path: Path) -> MemberReader:
    return MemberReader(zipfile.ZipFile(path))


@pytest.mark.parametrize(
    "name",
    [MANIFEST_FILE, f"cells/{KEY}/weights.safetensors", "pictures/samples.png", "report/figures/a.png"],
)
def test_file_of_an_exported_study_is_a_member(name: str) -> None:
    assert is_member_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/study.json",
        "../study.json",
        "report/../x",
        "cells/xyz/result.json",
        f"cells/{KEY}/a.py",
        "a.json",
    ],
)
def test_any_other_name_is_no_member(name: str) -> None:
    assert not is_member_name(name)


def test_members_are_listed_read_and_extracted(tmp_path: Path) -> None:
    reader = _read(_write(tmp_path / "a.zip"))
    (name,) = reader.list_folder("cells")
    assert name == f"cells/{KEY}/result.json"
    assert name in reader
    assert reader.list_folder("report") == ()
    assert reader.read_bytes(name) == CONTENTS[name]
    reader.extract(name, tmp_path / "result.json")
    assert (tmp_path / "result.json").read_bytes() == CONTENTS[name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "zip"}, "must be of the format 'harness study'"),
        ({"version": 2}, "version must be 1; got 2"),
        ({"members": []}, r"study\.json is not listed"),
    ],
)
def test_wrong_manifest_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _read(_write(tmp_path / "a.zip", **changes))


def test_changed_member_is_refused(tmp_path: Path) -> None:
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(b"other").hexdigest()}
        for name, content in CONTENTS.items()
    ]
    with pytest.raises(ValueError, match=r"must have the sha256 .*; got .*: export or fetch it again"):
        _read(_write(tmp_path / "a.zip", members=listed))


def test_zip_without_a_manifest_is_refused_with_its_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(STUDY_FILE, "{}")
    with pytest.raises(ValueError, match=r"must hold manifest\.json; got .*study\.json"):
        _read(tmp_path / "a.zip")


def test_member_above_the_size_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_TOTAL_BYTES", 3)
    with pytest.raises(ValueError, match="members other than weights must unpack to at most"):
        _read(_write(tmp_path / "a.zip"))


@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_content_that_is_no_json_is_refused_with_the_name(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"study\.json must be JSON in UTF-8"):
        parse_json(content, STUDY_FILE)


def test_zip_error_becomes_one_error_with_a_remedy() -> None:
    with pytest.raises(ValueError, match=r"must be a complete zip file \(cut\)"), convert_zip_errors():
        raise zipfile.BadZipFile("cut")
