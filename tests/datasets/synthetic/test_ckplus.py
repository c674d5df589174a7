import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.synthetic_marker import MARKER
from tests.datasets.image_files import load_image

CLASSES = ["anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"]


@pytest.fixture(scope="module")
def plain_set(synthetic_set: Callable[..., Path]) -> Path:
    return synthetic_set("ck48", subjects=6, clips=12, frames=5)


@pytest.fixture(scope="module")
def quirky_set(synthetic_set: Callable[..., Path]) -> Path:
    return synthetic_set("ck48", subjects=6, quirks=True)


def test_ck48_has_one_folder_per_class(plain_set: Path) -> None:
    assert sorted(path.name for path in plain_set.iterdir()) == ["CK+48", MARKER]
    assert sorted(path.name for path in (plain_set / "CK+48").iterdir()) == [MARKER, *CLASSES]


def test_sequences_have_their_last_three_frames(plain_set: Path) -> None:
    sequences: dict[str, list[tuple[str, int]]] = {}
    for path in plain_set.rglob("*.png"):
        assert re.fullmatch(r"S\d{3}_\d{3}_\d{8}", path.stem)
        sequences.setdefault(path.stem[:8], []).append((path.parent.name, int(path.stem[9:])))
    assert len(sequences) == 12
    for frames in sequences.values():
        assert len({emotion for emotion, _ in frames}) == 1
        assert sorted(number for _, number in frames) == [3, 4, 5]


def test_images_are_grey_48_by_48_faces(plain_set: Path) -> None:
    for path in plain_set.rglob("*.png"):
        image = load_image(path, cv2.IMREAD_UNCHANGED)
        assert image.shape == (48, 48)
        assert image.dtype == np.uint8
        assert image.std() > 8


def test_counts_scale_with_the_releases(plain_set: Path) -> None:
    counts = Counter(path.parent.name for path in plain_set.rglob("*.png"))
    assert counts["surprise"] >= counts["happy"] >= counts["contempt"] == 3
    assert sum(counts.values()) == 36


def test_balance_gives_classes_equal_counts(synthetic_set: Callable[..., Path]) -> None:
    root = synthetic_set("ck48", clips=14, balance=True)
    cells = Counter((path.parent.name, path.stem[:4]) for path in root.rglob("*.png"))
    assert set(cells.values()) == {3}
    assert len(cells) == 14


def test_quirks_rename_the_folders_and_leave_junk(quirky_set: Path) -> None:
    folder = quirky_set / "ck" / "CK+48"
    assert sorted(path.name for path in folder.iterdir()) == [
        "angry",
        "contempt",
        "disgust",
        "fear",
        "happiness",
        "sad",
        "surprise",
    ]
    assert (quirky_set / ".DS_Store").is_file()
    assert (folder / "angry" / "Thumbs.db").is_file()
    junk = list((folder / "angry").glob("._S*.png"))
    assert len(junk) == 1
    assert len(list(folder.rglob("S*.png"))) == 21


def test_quirks_number_the_subjects_as_released(quirky_set: Path) -> None:
    numbers = {path.stem[:4] for path in quirky_set.rglob("S*.png")}
    assert numbers == {"S005", "S139", "S147", "S501", "S895", "S999"}


def test_amplitude_scales_the_peak_expression(synthetic_set: Callable[..., Path]) -> None:
    def measure_motion(amplitude: float) -> float:
        root = synthetic_set("ck48", amplitude=amplitude)
        first, last = (
            np.stack([load_image(path, 0).astype(int) for path in sorted(root.rglob(f"*_{number:08d}.png"))])
            for number in (1, 3)
        )
        return float(np.abs(last - first).mean())

    assert measure_motion(0.0) < measure_motion(1.0) < measure_motion(2.0)
