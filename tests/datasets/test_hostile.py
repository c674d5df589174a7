"""Tests of releases with one random defect: a table of files within the root, or one clear error."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.anomalies import format_anomaly
from datasets.catalogue import load_dataset
from datasets.preprocessing.image_array import preprocess_images
from datasets.spec import Anomaly, SampleTable
from datasets.synthetic.generator import LAYOUTS
from tests.hostile import (
    assert_bounded,
    assert_is_clear,
    case_settings,
    check_outcome,
    damaged_bytes,
    hostile_file_names,
    hostile_names,
    replace_content,
)

pytestmark = pytest.mark.slow

FRAMES = {
    "casme2": "onset_offset",
    "smic": "onset_offset",
    "samm": "onset_offset",
    "megc2019": "onset_offset",
    "ckplus": "last3",
}


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory, synthetic_set: Callable[..., Path]) -> dict[str, Path]:
    """Return a copy of one small synthetic set per layout, by layout name."""
    folder = tmp_path_factory.mktemp("releases")
    sets = {}
    for layout in LAYOUTS:
        sets[layout] = shutil.copytree(synthetic_set(layout), folder / layout / "root")
        (folder / layout / "outside").mkdir()
    return sets


def check_table(root: Path, layout: str) -> SampleTable | None:
    """Return the table after checking that its paths are below the root and its texts are printable."""
    name = LAYOUTS[layout].dataset
    outside = root.parent / "outside"
    table = check_outcome(lambda: load_dataset(name, FRAMES[name], root=root), outside=outside)
    if table is None:
        return None
    below = os.path.realpath(root) + os.sep
    for sample in table.samples:
        assert os.path.realpath(sample.path).startswith(below)
        assert sample.onset_ref is None or os.path.realpath(sample.onset_ref.path).startswith(below)
    for text in (*map(format_anomaly, table.anomalies), *table.notes):
        assert_is_clear(text)
        text.encode()
    return table


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_as_it_is(releases: dict[str, Path], layout: str) -> None:
    table = check_table(releases[layout], layout)
    assert table is not None
    assert table.anomalies == ()
    assert len(table.samples) >= 6


@pytest.mark.parametrize("layout", LAYOUTS)
@case_settings(16)
@given(data=st.data())
def test_release_with_a_damaged_file_is_read_or_refused(
    releases: dict[str, Path], layout: str, data: st.DataObject
) -> None:
    root = releases[layout]
    files = sorted(path for path in root.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    with replace_content(path, data.draw(damaged_bytes(path.read_bytes()[:40_000]))):
        check_table(root, layout)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("ck-h5", "ck-csv")])
@case_settings(16)
@given(data=st.data())
def test_extra_file_in_a_release_loses_no_sample(
    releases: dict[str, Path], layout: str, data: st.DataObject
) -> None:
    root = releases[layout]
    folders = sorted(path for path in root.rglob("*") if path.is_dir())
    folder = data.draw(st.sampled_from([root, *folders]))
    name = data.draw(hostile_file_names())
    suffix = data.draw(st.sampled_from(("", ".png", ".jpg", ".avi", ".txt", ".csv", ".xls", ".xlsx", ".h5")))
    path = folder / (name + suffix)
    before = check_table(root, layout)
    assert before is not None
    count = len(before.samples)
    kind = data.draw(st.sampled_from(("folder", "file", "link", "circle", "broken", "pipe")))
    if os.path.lexists(path):
        return
    match kind:
        case "folder":
            path.mkdir()
        case "file":
            path.write_bytes(data.draw(st.binary(max_size=50)))
        case "link":
            path.symlink_to(root.parent / "outside")
        case "circle":
            path.symlink_to(folder)
        case "broken":
            path.symlink_to(root / "nowhere")
        case "pipe":
            os.mkfifo(path)
    try:
        table = check_table(root, layout)
        # A file that is named like one of the release may be read as such; then it is listed.
        assert table is None or len(table.samples) == count or table.anomalies
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@case_settings(200)
@given(texts=st.tuples(hostile_names(), hostile_names(), hostile_names(), hostile_names()))
def test_any_anomaly_is_one_printable_line(texts: tuple[str, str, str, str]) -> None:
    code, location, description, action = texts
    line = format_anomaly(Anomaly(code=code, location=location, description=description, action=action))
    assert line.isprintable()
    line.encode()


CachedPixels = tuple[SampleTable, bytes, Path]


@pytest.fixture
def cached_pixels(releases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CachedPixels:
    """Return the pixels of a set and the cache folder that contains them."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    table = load_dataset("casme2", "onset_offset", root=releases["casme2"])
    result = preprocess_images(table, size=16, alignment="haar")
    return table, result.images.tobytes(), tmp_path / "cache"


@case_settings(20)
@given(data=st.data())
def test_damaged_record_in_the_cache_is_rebuilt(cached_pixels: CachedPixels, data: st.DataObject) -> None:
    table, images, cache = cached_pixels
    record = data.draw(st.sampled_from(sorted(cache.rglob("*.json"))))
    content = record.read_bytes()
    changed = data.draw(
        st.one_of(
            damaged_bytes(content),
            st.sampled_from((b"[" * 100_000, b"1e999", b"NaN", b"null", b"[]", b"{}", b'"x"', b"1" * 10_000)),
            st.integers(0, 20).map(lambda index: _corrupt_number(content, index)),
        )
    )
    before = shutil.copytree(cache, cache.parent / "before", dirs_exist_ok=True)
    record.write_bytes(changed)
    try:
        with assert_bounded():
            result = preprocess_images(table, size=16, alignment="haar")
        if record.parent.name == "pixels":
            # A recorded image property is trusted if it is possible.
            assert result.images.tobytes() == images
    finally:
        shutil.rmtree(cache)
        before.rename(cache)


def _corrupt_number(content: bytes, index: int) -> bytes:
    """Return the record with one number out of bounds."""
    record = json.loads(content)
    if isinstance(record, list):
        entry = record[index % len(record)]
        entry["box"][index % 3] = (1e400, -1, 10**9)[index % 3]
    else:
        record["faults"] = [[(1e400, -5, 10**9)[index % 3], "x", "y"]]
    return json.dumps(record).encode()
