"""Tests of damaged and forged archives: an import raises one error and writes nothing."""

import hashlib
import json
import shutil
import stat
import zipfile
from pathlib import Path
from random import Random

import pytest

from harness.archive import members
from harness.archive.exporter import export_study
from harness.archive.reader import is_key_of, open_archive
from studies.codec import to_data, to_json
from tests.harness.archive.tiny_study import (
    FINISHED,
    LATENCY,
    TIMED,
    Change,
    contents,
    log_latency,
    new_tracker,
    read_files,
    rewrite,
)
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import STUDY as TINY

pytestmark = pytest.mark.slow


def _swap(contents_by_name: dict[str, bytes]) -> None:
    one, two = (f"cells/{spec.key}/result.json" for spec in FINISHED[:2])
    contents_by_name[one], contents_by_name[two] = contents_by_name[two], contents_by_name[one]


def _set(name: str, data: bytes) -> Change:
    return lambda contents_by_name: contents_by_name.update({name: data})


def _edit(name: str, old: str, new: str) -> Change:
    def change(contents_by_name: dict[str, bytes]) -> None:
        assert old.encode() in contents_by_name[name]
        contents_by_name[name] = contents_by_name[name].replace(old.encode(), new.encode())

    return change


CELL = f"cells/{FINISHED[0].key}"
FORGED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a path out of the folder": (_set("../evil.txt", b"x"), ("named as", "../evil.txt")),
    "a path out of a cell": (_set(f"{CELL}/../../evil.png", b"x"), ("named as", "evil.png")),
    "an absolute path": (_set("/etc/evil.json", b"x"), ("named as", "/etc/evil.json")),
    "a path of Windows": (_set("report\\..\\evil.md", b"x"), ("named as", "evil.md")),
    "a hidden file": (_set("report/.bashrc", b"x"), ("named as", ".bashrc")),
    "a program": (_set(f"{CELL}/run.py", b"x"), ("named as", "run.py")),
    "results swapped between keys": (_swap, ("another run", FINISHED[0].key)),
    "a cell under a key of its own": (
        lambda contents_by_name: contents_by_name.update(
            {n.replace(FINISHED[0].key, "0" * 16): contents_by_name.pop(n) for n in list(contents_by_name)}
        ),
        ("must name one run for each cell",),
    ),
    "a cell without predictions": (
        lambda contents_by_name: contents_by_name.pop(f"{CELL}/predictions.csv"),
        ("predictions.csv",),
    ),
    "a result that is none": (_set(f"{CELL}/result.json", b"{}"), (CELL, "result")),
    "a result that is no JSON": (_set(f"{CELL}/result.json", b"\xff"), (CELL, "UTF-8")),
    "a result with a number of 400 digits": (
        _edit(f"{CELL}/result.json", '"multiply_adds": 8', f'"multiply_adds": {"9" * 400}'),
        (CELL, "too large"),
    ),
    "a result with half a character": (
        _edit(f"{CELL}/result.json", '"platform": "Linux"', '"platform": "\\ud800"'),
        (CELL, "hex escape"),
    ),
    "an epoch beyond counting": (
        _edit(f"{CELL}/result.json", '"number": 1', f'"number": {1 << 80}'),
        (CELL, "epochs"),
    ),
    "predictions that are none": (_set(f"{CELL}/predictions.csv", b"id\nx\n"), (CELL, "predictions.csv")),
    "nested without end": (_set("study.json", b"[" * 100_000), ("study.json", "recursion limit")),
    "no study": (lambda contents_by_name: contents_by_name.pop("study.json"), ("study.json", "missing")),
    "a study of other runs": (_edit("study.json", TINY.fingerprint, "e" * 64), ("must belong to the study",)),
    "a study without end": (
        _edit("study.json", "[\n  2\n ]", f"[\n  {10**15}\n ]"),
        ("at most 100,000 runs",),
    ),
    "a study with a name that leads away": (_edit("study.json", '"quick"', '"../../x"'), ("name", "../../x")),
    "a failure of no run": (
        _set(
            "failures.json", to_json({"failures": [{"spec": to_data(FINISHED[0]), "reason": "x"}]}).encode()
        ),
        ("must occur once",),
    ),
    "a format of another": (_edit("manifest.json", '"harness study"', '"harness"'), ("format",)),
    "a version to come": (
        _edit("manifest.json", '"version": 1', '"version": 2'),
        ("version must be 1", "got 2"),
    ),
    "a manifest that is none": (
        _edit("manifest.json", '"runs": [', '"runs": {"a": ['),
        ("manifest.json", "JSON"),
    ),
    "a run's id that is none": (
        lambda contents_by_name: _edit("manifest.json", *(_first_run(contents_by_name), "' or 1=1"))(
            contents_by_name
        ),
        ("run's id", "1=1"),
    ),
}


def _first_run(contents_by_name: dict[str, bytes]) -> str:
    run: str = json.loads(contents_by_name["manifest.json"])["runs"][0][1]
    return run


def assert_refused(path: Path, harness: Run, *fragments: str) -> None:
    """Assert that an import raises one clear error and writes nothing."""
    before = read_files(Path())
    status, out, err = harness("import", path)
    assert (status, out) == (2, ""), err
    assert err.startswith(f"error: {path} cannot be imported, and nothing was written: ")
    assert err.count("\n") == 1
    assert all(word in err for word in fragments), err
    assert read_files(Path()) == before


@pytest.mark.parametrize("name", FORGED)
def test_forged_archive_is_refused_and_nothing_is_written(
    archive_path: Path, harness: Run, name: str
) -> None:
    change, fragments = FORGED[name]
    path = Path("forged.zip")
    rewrite(archive_path, path, change, listed="a manifest" not in name)
    assert_refused(path, harness, *fragments)


def test_members_outside_the_manifest_are_refused(archive_path: Path, harness: Run) -> None:
    path = Path("forged.zip")
    for change, fragments in (
        (_set(f"{CELL}/more.png", b"x"), ("more.png", "not listed")),
        (
            lambda contents_by_name: contents_by_name.pop(f"{CELL}/environment.json"),
            ("environment.json", "missing"),
        ),
        (_edit(f"{CELL}/predictions.csv", "0.75", "0.15"), ("predictions.csv", "sha256")),
        (_edit(f"{CELL}/predictions.csv", "0.75", "0.751"), ("predictions.csv", "bytes")),
    ):
        rewrite(archive_path, path, change, listed=False)
        assert_refused(path, harness, *fragments)


def test_links_duplicates_and_compressed_weights_are_refused(archive_path: Path, harness: Run) -> None:
    path = Path("forged.zip")
    link = zipfile.ZipInfo(f"{CELL}/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(shutil.copy(archive_path, path), "a") as file:
        file.writestr(link, "/etc/passwd")
    assert_refused(path, harness, "plain files", "link.png")
    with (
        zipfile.ZipFile(shutil.copy(archive_path, path), "a") as file,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        file.writestr(f"{CELL}/result.json", "{}")
    assert_refused(path, harness, "twice", "result.json")
    for name in ("weights.pt", "weights.safetensors"):
        rewrite(archive_path, path, _set(f"{CELL}/{name}", b"0" * 100_000))
        assert_refused(path, harness, name, "compressed")


def test_bomb_is_not_unpacked(archive_path: Path, harness: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path, bomb = Path("bomb.zip"), b"0" * (3 << 20)
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 1 << 20)
    rewrite(archive_path, path, _set(f"{CELL}/bomb.png", bomb))
    assert_refused(path, harness, "at most 1 MiB", "bomb.png")
    monkeypatch.setattr(members, "MAX_TOTAL_BYTES", 0)
    assert_refused(archive_path, harness, "in all")


def test_bomb_with_a_false_size_is_not_unpacked(archive_path: Path, harness: Run) -> None:
    path, bomb, small = Path("bomb.zip"), b"0" * (3 << 20), b"0" * 1000

    def shrunk() -> None:
        size, false_size = (len(data).to_bytes(4, "little") for data in (bomb, small))
        path.write_bytes(path.read_bytes().replace(size, false_size))

    rewrite(archive_path, path, _set(f"{CELL}/bomb.png", bomb))
    shrunk()
    assert_refused(path, harness, "bomb.png", f"{len(bomb)} bytes", "got 1000")
    manifest = contents(rewrite(archive_path, path, _set(f"{CELL}/bomb.png", small)))["manifest.json"]
    lying = {f"{CELL}/bomb.png": bomb, "manifest.json": manifest}
    rewrite(archive_path, path, lambda contents_by_name: contents_by_name.update(lying), listed=False)
    shrunk()
    assert_refused(path, harness, "bomb.png", "complete zip file")


def test_incomplete_zip_is_refused(archive_path: Path, harness: Run) -> None:
    path = Path("broken.zip")
    data = archive_path.read_bytes()
    for content in (b"", b"no zip at all", data[: len(data) // 2], data[:-1], data[100:]):
        path.write_bytes(content)
        assert_refused(path, harness, "complete zip file")


def test_flipped_bit_is_detected_or_changes_nothing(archive_path: Path, tmp_path: Path) -> None:
    data, dice, path = archive_path.read_bytes(), Random(0), tmp_path / "flipped.zip"
    original = {name: content for name, content in contents(archive_path).items() if name != "manifest.json"}
    noticed = 0
    for _ in range(150):
        flipped = bytearray(data)
        flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(flipped)
        try:
            with open_archive(path) as archive:
                assert {name: archive.members.read_bytes(name) for name in original} == original
        except ValueError:
            noticed += 1
    assert noticed > 100


def test_results_without_a_possible_report_are_not_imported(
    tmp_path: Path, blank: Path, harness: Run
) -> None:
    other = new_tracker(tmp_path / "there", blank)
    log_latency(other, tmp_path / "gpu", device="gpu")
    path = export_study(other, TIMED.name, tmp_path / "timed.zip").path

    def timeless(contents_by_name: dict[str, bytes]) -> None:
        name = f"cells/{LATENCY.key}/result.json"
        contents_by_name[name] = json.dumps({**json.loads(contents_by_name[name]), "timings": []}).encode()

    assert_refused(
        rewrite(path, Path("forged.zip"), timeless), harness, "cannot be rendered", "export or fetch it again"
    )


def test_key_matches_only_its_own_spec() -> None:
    spec = to_data(FINISHED[0])
    assert is_key_of(FINISHED[0].key, spec)
    assert is_key_of(FINISHED[0].key, {**spec, "architecture": {**spec["architecture"], "name": "rung 5"}})
    assert not is_key_of(FINISHED[1].key, spec)
    assert not is_key_of(FINISHED[0].key, {**spec, "seed": 1})
    assert not is_key_of(FINISHED[0].key[:8], spec)
    del spec["control"], spec["architecture"]["source"]
    old = {**spec, "architecture": {**spec["architecture"], "name": ""}}
    assert is_key_of(hashlib.sha256(f"1 {to_json(old)}".encode()).hexdigest()[:16], spec)
