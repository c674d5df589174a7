import re
from collections import Counter

import cv2
import numpy as np
import pytest

from datasets.synthetic_marker import MARKER

CLASSES = ["anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"]


@pytest.fixture(scope="module")
def plain(synthetic_set):
    return synthetic_set("ck48", subjects=6, clips=12, frames=5)


@pytest.fixture(scope="module")
def odd(synthetic_set):
    return synthetic_set("ck48", subjects=6, quirks=True)


def test_ck48_is_a_folder_a_class(plain):
    assert sorted(path.name for path in plain.iterdir()) == ["CK+48", MARKER]
    assert sorted(path.name for path in (plain / "CK+48").iterdir()) == [MARKER, *CLASSES]


def test_each_sequence_gives_its_last_three_frames(plain):
    sequences = {}
    for path in plain.rglob("*.png"):
        assert re.fullmatch(r"S\d{3}_\d{3}_\d{8}", path.stem)
        sequences.setdefault(path.stem[:8], []).append((path.parent.name, int(path.stem[9:])))
    assert len(sequences) == 12
    for found in sequences.values():
        assert len({emotion for emotion, _ in found}) == 1
        assert sorted(number for _, number in found) == [3, 4, 5]


def test_pictures_are_grey_48_by_48_and_filled_by_a_face(plain):
    for path in plain.rglob("*.png"):
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert (picture.shape, picture.dtype) == ((48, 48), np.uint8)
        assert picture.std() > 8


def test_counts_scale_with_the_releases(plain):
    counts = Counter(path.parent.name for path in plain.rglob("*.png"))
    assert counts["surprise"] >= counts["happy"] >= counts["contempt"] == 3
    assert sum(counts.values()) == 36


def test_balance_gives_each_class_as_much(synthetic_set):
    root = synthetic_set("ck48", clips=14, balance=True)
    cells = Counter((path.parent.name, path.stem[:4]) for path in root.rglob("*.png"))
    assert set(cells.values()) == {3}
    assert len(cells) == 14


def test_quirks_rename_the_folders_and_leave_junk(odd):
    folder = odd / "ck" / "CK+48"
    assert sorted(path.name for path in folder.iterdir()) == [
        "angry",
        "contempt",
        "disgust",
        "fear",
        "happiness",
        "sad",
        "surprise",
    ]
    assert (odd / ".DS_Store").is_file()
    assert (folder / "angry" / "Thumbs.db").is_file()
    junk = list((folder / "angry").glob("._S*.png"))
    assert len(junk) == 1
    assert len(list(folder.rglob("S*.png"))) == 21


def test_quirks_number_the_subjects_as_released(odd):
    numbers = {path.stem[:4] for path in odd.rglob("S*.png")}
    assert numbers == {"S005", "S139", "S147", "S501", "S895", "S999"}


def test_amplitude_is_how_far_the_peak_is_from_rest(synthetic_set):
    def moved(amplitude):
        root = synthetic_set("ck48", amplitude=amplitude)
        first, last = (
            np.stack(
                [cv2.imread(str(path), 0).astype(int) for path in sorted(root.rglob(f"*_{number:08d}.png"))]
            )
            for number in (1, 3)
        )
        return np.abs(last - first).mean()

    assert moved(0.0) < moved(1.0) < moved(2.0)
