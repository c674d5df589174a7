"""Tests of releases with one random defect: a table of files within the root, or one clear error."""

import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.anomalies import format_anomaly
from datasets.catalogue import load_dataset
from datasets.preprocessing.image_array import preprocess_images
from datasets.spec import Anomaly
from datasets.synthetic.generator import LAYOUTS
from tests.hostile import bounded, cases, clear, damaged, file_names, names, outcome, swapped

pytestmark = pytest.mark.slow

FRAMES = {
    "casme2": "onset_offset",
    "smic": "onset_offset",
    "samm": "onset_offset",
    "megc2019": "onset_offset",
    "ckplus": "last3",
}


@pytest.fixture(scope="module")
def releases(tmp_path_factory, synthetic_set):
    """Return a copy of one small synthetic set per layout, by layout name."""
    place = tmp_path_factory.mktemp("releases")
    made = {}
    for layout in LAYOUTS:
        made[layout] = shutil.copytree(synthetic_set(layout), place / layout / "root")
        (place / layout / "outside").mkdir()
    return made


def checked(root, layout):
    """Return the table after checking that its paths are below the root and its texts are printable."""
    name = LAYOUTS[layout].dataset
    outside = root.parent / "outside"
    table = outcome(lambda: load_dataset(name, FRAMES[name], root=root), outside=outside)
    if table is None:
        return None
    below = os.path.realpath(root) + os.sep
    for sample in table.samples:
        assert os.path.realpath(sample.path).startswith(below)
        assert sample.onset_ref is None or os.path.realpath(sample.onset_ref.path).startswith(below)
    for text in (*map(format_anomaly, table.anomalies), *table.notes):
        clear(text)
        text.encode()
    return table


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_as_it_is(releases, layout):
    table = checked(releases[layout], layout)
    assert table.anomalies == ()
    assert len(table.samples) >= 6


@pytest.mark.parametrize("layout", LAYOUTS)
@cases(16)
@given(data=st.data())
def test_a_release_with_a_damaged_file_is_read_or_refused(releases, layout, data):
    root = releases[layout]
    files = sorted(path for path in root.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    with swapped(path, data.draw(damaged(path.read_bytes()[:40_000]))):
        checked(root, layout)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("ck-h5", "ck-csv")])
@cases(16)
@given(data=st.data())
def test_what_lies_beside_a_release_under_any_name_loses_nothing(releases, layout, data):
    root = releases[layout]
    folders = sorted(path for path in root.rglob("*") if path.is_dir())
    place = data.draw(st.sampled_from([root, *folders]))
    name = data.draw(file_names())
    suffix = data.draw(st.sampled_from(("", ".png", ".jpg", ".avi", ".txt", ".csv", ".xls", ".xlsx", ".h5")))
    path = place / (name + suffix)
    whole = len(checked(root, layout).samples)
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
            path.symlink_to(place)
        case "broken":
            path.symlink_to(root / "nowhere")
        case "pipe":
            os.mkfifo(path)
    try:
        table = checked(root, layout)
        # A file that is named like one of the release may be read as such; then it is listed.
        assert table is None or len(table.samples) == whole or table.anomalies
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@cases(200)
@given(texts=st.tuples(names(), names(), names(), names()))
def test_an_anomaly_is_one_line_that_can_be_written(texts):
    code, where, what, action = texts
    told = format_anomaly(Anomaly(code=code, location=where, description=what, action=action))
    assert told.isprintable()
    told.encode()


@pytest.fixture
def kept(releases, tmp_path, monkeypatch):
    """Return the pixels of a set and the cache folder that contains them."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    table = load_dataset("casme2", "onset_offset", root=releases["casme2"])
    made = preprocess_images(table, size=16, alignment="haar")
    return table, made.images.tobytes(), tmp_path / "cache"


@cases(20)
@given(data=st.data())
def test_a_damaged_record_in_the_cache_is_made_anew(kept, data):
    table, images, cache = kept
    record = data.draw(st.sampled_from(sorted(cache.rglob("*.json"))))
    whole = record.read_bytes()
    changed = data.draw(
        st.one_of(
            damaged(whole),
            st.sampled_from((b"[" * 100_000, b"1e999", b"NaN", b"null", b"[]", b"{}", b'"x"', b"1" * 10_000)),
            st.integers(0, 20).map(lambda place: _with(whole, place)),
        )
    )
    before = shutil.copytree(cache, cache.parent / "before", dirs_exist_ok=True)
    record.write_bytes(changed)
    try:
        with bounded():
            made = preprocess_images(table, size=16, alignment="haar")
        if record.parent.name == "pixels":
            # A recorded image property is trusted if it is possible.
            assert made.images.tobytes() == images
    finally:
        shutil.rmtree(cache)
        before.rename(cache)


def _with(whole: bytes, place: int) -> bytes:
    """Return the record with one number out of bounds."""
    found = json.loads(whole)
    if isinstance(found, list):
        entry = found[place % len(found)]
        entry["box"][place % 3] = (1e400, -1, 10**9)[place % 3]
    else:
        found["faults"] = [[(1e400, -5, 10**9)[place % 3], "x", "y"]]
    return json.dumps(found).encode()
