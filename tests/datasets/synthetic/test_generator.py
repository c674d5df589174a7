import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.casme2.loader import load
from datasets.synthetic import parallel_writer
from datasets.synthetic.generator import DEMO, GENERATOR_VERSION, LAYOUTS, LEAKY, SyntheticSpec, synthesize
from datasets.synthetic_marker import MARKER
from tests.datasets.image_files import load_image
from tests.error_codes import raises_code

GREENS_OF_EDITION_2 = [
    [164, 164, 172, 178],
    [138, 150, 162, 156],
    [120, 154, 172, 142],
    [110, 130, 147, 123],
    [120, 110, 120, 118],
]
TINY = SyntheticSpec(subjects=2, clips=7, frames=3)


def fingerprint(root: Path) -> str:
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    parts = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


SMALL_FACES = replace(TINY, layout="ck48")
"""The set that is written fastest, for what every layout has in common."""


@pytest.fixture(scope="module")
def tiny(synthetic_set: Callable[..., Path]) -> Path:
    return synthetic_set(raw=True)


def test_tree_has_the_released_layout(tiny: Path) -> None:
    assert sorted(path.name for path in tiny.iterdir()) == [
        "CASME2-RAW",
        "CASME2-coding-20140508.xlsx",
        "Cropped",
        MARKER,
    ]
    assert sorted(path.name for path in (tiny / "Cropped").iterdir()) == [MARKER, "sub01", "sub02"]
    assert len(list(tiny.glob("Cropped/sub0?/EP*/reg_img*.jpg"))) == 7 * 3


def test_raw_clips_run_from_frame_1_past_the_offset(tiny: Path) -> None:
    for cropped in tiny.glob("Cropped/*/*"):
        numbers = sorted(int(path.stem.removeprefix("reg_img")) for path in cropped.iterdir())
        raw = tiny / "CASME2-RAW" / cropped.relative_to(tiny / "Cropped")
        recorded = sorted(int(path.stem.removeprefix("img")) for path in raw.iterdir())
        assert recorded == list(range(1, numbers[-1] + 4))
    assert load_image(raw / "img1.jpg").shape == (480, 640, 3)


def test_loader_of_the_real_set_reads_it_without_anomalies(tiny: Path) -> None:
    table = load(tiny, "onset_offset")
    assert table.count_per_class() == (3,) * 6
    assert {sample.subject for sample in table.samples} == {"sub01", "sub02"}
    assert table.anomalies == ()


def test_the_cropped_faces_are_the_same_with_raw_or_without(
    synthetic_set: Callable[..., Path], tiny: Path
) -> None:
    assert fingerprint(synthetic_set() / "Cropped") == fingerprint(tiny / "Cropped")


def test_another_seed_draws_other_faces(tmp_path: Path, synthetic_set: Callable[..., Path]) -> None:
    other = synthesize(replace(SMALL_FACES, seed=1), tmp_path / "other")
    first, second = (min(root.glob("CK+48/anger/*")).read_bytes() for root in (other, synthetic_set("ck48")))
    assert first != second


@pytest.mark.slow
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if not name.startswith("casme2-raw")])
def test_a_layout_has_the_same_bytes_twice(
    tmp_path: Path, synthetic_set: Callable[..., Path], layout: str
) -> None:
    # The images of the layouts that are left out are drawn like the frames of casme2-compressed.
    quirks = layout == "ck48"
    spec = replace(TINY, layout=layout, quirks=quirks)
    again = synthesize(spec, tmp_path / "again")
    assert fingerprint(again) == fingerprint(synthetic_set(layout, quirks=quirks))


def test_default_frames_are_unchanged(tiny: Path) -> None:
    frame = min((tiny / "Cropped").rglob("*.jpg"), key=str)
    small = cv2.resize(load_image(frame), (4, 5), interpolation=cv2.INTER_AREA)
    assert GENERATOR_VERSION == 2
    np.testing.assert_allclose(small[..., 1], GREENS_OF_EDITION_2, atol=2)


def test_bytes_do_not_depend_on_the_number_of_cores(
    tmp_path: Path, synthetic_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fingerprint(synthetic_set("ck48"))
    monkeypatch.setattr(parallel_writer, "MIN_FRAMES_PER_PROCESS", 5)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert fingerprint(synthesize(SMALL_FACES, tmp_path / "two")) == one


def test_progress_counts_every_clip_on_the_way_to_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    seen = []
    out = synthesize(SMALL_FACES, tmp_path / "empty", progress=lambda *call: seen.append(call))
    assert out == tmp_path / "empty"
    assert sorted(path.name for path in out.iterdir()) == ["CK+48", MARKER]
    assert seen == [(finished, 7) for finished in range(1, 8)]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    assert (synthesize(SMALL_FACES, tmp_path / "a" / "b") / "CK+48").is_dir()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_occupied_folder_is_refused_and_unchanged(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "taken"
    note = out if kind == "file" else out / "mine.txt"
    note.parent.mkdir(exist_ok=True)
    note.write_text("mine")
    with raises_code("synthetic-output.occupied", out):
        synthesize(TINY, out)
    assert note.read_text() == "mine"


def test_interrupted_run_leaves_no_file(tmp_path: Path) -> None:
    def stop(finished: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(TINY, tmp_path / "set", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_leaky_set_shows_every_subject_in_one_class_and_has_six_test_subjects() -> None:
    assert LEAKY.clip_count == LEAKY.subjects
    assert LEAKY.subjects - 7 * LEAKY.subjects // 10 - 2 * LEAKY.subjects // 10 == 6


def test_demo_shows_every_subject_in_every_class_twice() -> None:
    assert DEMO.balance
    assert DEMO.subjects is not None
    assert DEMO.clip_count == DEMO.subjects * 6 * 2
