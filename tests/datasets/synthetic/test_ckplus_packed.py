from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest

from datasets.synthetic.generator import SyntheticSpec
from datasets.synthetic_marker import MARKER


@pytest.fixture(scope="module")
def packed_sets(synthetic_set: Callable[..., Path]) -> dict[str, Path]:
    large = synthetic_set("ck-csv", subjects=6, clips=14)
    return {"ck48": synthetic_set("ck48"), "ck-h5": synthetic_set("ck-h5"), "ck-csv": large}


def test_set_is_one_file_and_its_marker(packed_sets: dict[str, Path]) -> None:
    assert sorted(path.name for path in packed_sets["ck-h5"].iterdir()) == ["CK_data.h5", MARKER]
    assert sorted(path.name for path in packed_sets["ck-csv"].iterdir()) == [MARKER, "ckextended.csv"]


def test_h5_holds_ck48_by_its_own_codes(packed_sets: dict[str, Path]) -> None:
    with h5py.File(packed_sets["ck-h5"] / "CK_data.h5") as file:
        assert sorted(file) == ["data_label", "data_pixel"]
        pixels, labels = file["data_pixel"][:], file["data_label"][:]
    assert (pixels.dtype, pixels.shape) == (np.uint8, (21, 48, 48))
    assert (labels.dtype, labels.shape) == (np.int64, (21,))
    at = 0
    for code, emotion in enumerate(("anger", "disgust", "fear", "happy", "sadness", "surprise", "contempt")):
        for path in sorted((packed_sets["ck48"] / "CK+48" / emotion).iterdir()):
            assert labels[at] == code
            np.testing.assert_array_equal(pixels[at], cv2.imread(str(path), 0))
            at += 1
    assert at == 21


def test_csv_has_labelled_peaks_and_neutral_faces(packed_sets: dict[str, Path]) -> None:
    path = packed_sets["ck-csv"] / "ckextended.csv"
    table = pd.read_csv(path)
    assert list(table.columns) == ["emotion", "pixels", "Usage"]
    counts = Counter(table["emotion"])
    unlabelled = round(14 * 266 / 327)
    assert counts[6] == 14 + unlabelled
    assert sum(counts[code] for code in (0, 1, 2, 3, 4, 5, 7)) == 14
    assert min(counts[code] for code in range(8)) >= 1
    assert counts[5] == max(counts[code] for code in (0, 1, 2, 3, 4, 5, 7))
    assert b"\r" not in path.read_bytes()


def test_pixels_of_a_row_are_a_face_of_48_by_48(packed_sets: dict[str, Path]) -> None:
    table = pd.read_csv(packed_sets["ck-csv"] / "ckextended.csv")
    faces = np.array([text.split() for text in table["pixels"]], dtype=int)
    assert faces.shape[1] == 48 * 48
    assert faces.min() >= 0
    assert faces.max() <= 255
    assert (faces.std(axis=1) > 8).all()


def test_usage_has_three_parts_and_mostly_training(packed_sets: dict[str, Path]) -> None:
    usages = Counter(pd.read_csv(packed_sets["ck-csv"] / "ckextended.csv")["Usage"])
    tenth = round(sum(usages.values()) / 10)
    assert usages["PublicTest"] == usages["PrivateTest"] == tenth
    assert set(usages) == {"Training", "PublicTest", "PrivateTest"}


def test_full_csv_would_have_the_releases_920_rows() -> None:
    spec = SyntheticSpec(layout="ck-csv")
    assert 2 * spec.clip_count + spec.unlabelled_count == 920


def test_h5_bytes_do_not_depend_on_the_time(packed_sets: dict[str, Path]) -> None:
    with h5py.File(packed_sets["ck-h5"] / "CK_data.h5") as file:
        for name in file:
            assert h5py.h5g.get_objinfo(file[name].id).mtime == 0
