import hashlib
import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.casme2.loader import load
from datasets.synthetic import parallel_writer as synthetic_studio
from datasets.synthetic.generator import DEMO, GENERATOR_VERSION, LAYOUTS, SyntheticSpec, synthesize
from datasets.synthetic_marker import MARKER
from tests.error_codes import raises_code

GREENS_OF_EDITION_2 = [
    [164, 164, 172, 178],
    [138, 150, 162, 156],
    [120, 154, 172, 142],
    [110, 130, 147, 123],
    [120, 110, 120, 118],
]
TINY = SyntheticSpec(subjects=2, clips=7, frames=3)


def fingerprint(root):
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    parts = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return synthesize(replace(TINY, raw=True), tmp_path_factory.mktemp("made") / "set")


def test_the_tree_is_the_released_layout(tiny):
    assert sorted(path.name for path in tiny.iterdir()) == [
        "CASME2-RAW",
        "CASME2-coding-20140508.xlsx",
        "Cropped",
        MARKER,
    ]
    assert sorted(path.name for path in (tiny / "Cropped").iterdir()) == [MARKER, "sub01", "sub02"]
    assert len(list(tiny.glob("Cropped/sub0?/EP*/reg_img*.jpg"))) == 7 * 3


def test_raw_clips_run_from_frame_1_past_the_offset(tiny):
    for cropped in tiny.glob("Cropped/*/*"):
        shown = sorted(int(path.stem.removeprefix("reg_img")) for path in cropped.iterdir())
        whole = tiny / "CASME2-RAW" / cropped.relative_to(tiny / "Cropped")
        recorded = sorted(int(path.stem.removeprefix("img")) for path in whole.iterdir())
        assert recorded == list(range(1, shown[-1] + 4))
    assert cv2.imread(str(whole / "img1.jpg")).shape == (480, 640, 3)


def test_the_loader_of_the_real_set_reads_it_without_a_complaint(tiny):
    table = load(tiny, "onset_offset")
    assert table.count_per_class() == (3,) * 6
    assert {sample.subject for sample in table.samples} == {"sub01", "sub02"}
    assert table.anomalies == ()


def test_the_same_spec_gives_the_same_bytes_with_raw_or_without(tmp_path, tiny):
    again = synthesize(TINY, tmp_path / "again")
    assert fingerprint(again / "Cropped") == fingerprint(tiny / "Cropped")
    assert fingerprint(synthesize(TINY, tmp_path / "twice")) == fingerprint(again)
    assert fingerprint(synthesize(replace(TINY, seed=1), tmp_path / "other")) != fingerprint(again)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_the_same_bytes_twice(tmp_path, layout):
    spec = SyntheticSpec(layout=layout, subjects=2, clips=7, frames=3, quirks=layout.startswith("ck"))
    assert fingerprint(synthesize(spec, tmp_path / "a")) == fingerprint(synthesize(spec, tmp_path / "b"))


def test_the_default_path_draws_the_frames_it_always_drew(tiny):
    frame = min((tiny / "Cropped").rglob("*.jpg"), key=str)
    small = cv2.resize(cv2.imread(str(frame)), (4, 5), interpolation=cv2.INTER_AREA)
    assert GENERATOR_VERSION == 2
    np.testing.assert_allclose(small[..., 1], GREENS_OF_EDITION_2, atol=2)


def test_the_bytes_do_not_depend_on_the_number_of_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_studio, "MIN_FRAMES_PER_PROCESS", 5)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    two = fingerprint(synthesize(TINY, tmp_path / "two"))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert fingerprint(synthesize(TINY, tmp_path / "one")) == two


def test_progress_counts_every_take(tmp_path):
    seen = []
    synthesize(TINY, tmp_path / "set", progress=lambda *call: seen.append(call))
    assert seen == [(done, 7) for done in range(1, 8)]


def test_an_empty_folder_is_filled_and_missing_parents_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    assert synthesize(TINY, tmp_path / "empty") == tmp_path / "empty"
    assert (synthesize(TINY, tmp_path / "a" / "b") / "Cropped").is_dir()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_place_that_is_taken_is_refused_and_left_alone(tmp_path, kind):
    out = tmp_path / "taken"
    keep = out if kind == "file" else out / "mine.txt"
    keep.parent.mkdir(exist_ok=True)
    keep.write_text("mine")
    with raises_code("synthetic-output.occupied", out):
        synthesize(TINY, out)
    assert keep.read_text() == "mine"


def test_a_run_that_breaks_off_leaves_nothing_behind(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(TINY, tmp_path / "set", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_shows_every_subject_in_every_class_twice():
    assert DEMO.balance
    assert DEMO.clip_count == DEMO.subjects * 6 * 2
