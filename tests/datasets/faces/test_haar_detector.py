from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.faces.haar_detector import CASCADES, FaceDetector, check_cascades, to_square_box
from tests.datasets.image_files import load_astronaut
from tests.error_codes import raises_code


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    return load_astronaut()


def detect(image: NDArray[np.uint8]) -> tuple[str, tuple[int, int, int]]:
    """Return the cascade that detects a face and its box."""
    detected = FaceDetector().detect(image)
    assert detected is not None
    return detected


def centre(box: tuple[int, int, int]) -> tuple[float, float]:
    left, top, side = box
    return left + side / 2, top + side / 2


def test_face_in_a_photograph_is_detected(astronaut: NDArray[np.uint8]) -> None:
    cascade, box = detect(astronaut)
    assert cascade == "default"
    # Between her eyes, on the ridge of the nose.
    assert centre(box) == pytest.approx((223, 115), abs=15)
    assert 90 <= box[2] <= 140


def test_larger_of_two_faces_is_detected(astronaut: NDArray[np.uint8]) -> None:
    small = cv2.resize(astronaut, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    for pair, expected in (((astronaut, small), 223), ((small, astronaut), 358 + 223)):
        wide = np.zeros((512, 870, 3), dtype=np.uint8)
        left = 0
        for image in pair:
            wide[: len(image), left : left + image.shape[1]] = image
            left += image.shape[1]
        _, box = detect(wide)
        assert centre(box) == pytest.approx((expected, 115), abs=15)


def test_face_smaller_than_a_fifth_of_the_short_side_is_none(astronaut: NDArray[np.uint8]) -> None:
    wide = np.zeros((700, 700, 3), dtype=np.uint8)
    wide[:512, :512] = astronaut
    assert FaceDetector().detect(wide) is None


def test_next_cascade_runs_if_one_detects_no_face(astronaut: NDArray[np.uint8]) -> None:
    results = []
    for first in range(len(CASCADES)):
        detector = FaceDetector()
        # A cascade for another kind of object finds no face.
        blind = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_russian_plate_number.xml")  # type: ignore[attr-defined]
        detector._cascades = dict.fromkeys(CASCADES[:first], blind)
        results.append(detector.detect(astronaut))
    # Only the last cascade does not find the face.
    assert [one and one[0] for one in results] == ["default", "alt2", "alt", None]


def test_image_without_a_face_has_none() -> None:
    assert FaceDetector().detect(np.full((100, 80, 3), 128, dtype=np.uint8)) is None
    assert FaceDetector().detect(np.full((1, 1, 3), 128, dtype=np.uint8)) is None


def test_number_of_threads_does_not_matter(astronaut: NDArray[np.uint8]) -> None:
    threads = cv2.getNumThreads()
    results = []
    try:
        for number in (1, 2, 7):
            cv2.setNumThreads(number)
            results.append(FaceDetector().detect(astronaut))
    finally:
        cv2.setNumThreads(threads)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 20, 30, 30), (10, 20, 30)),
        ((10, 20, 30, 40), (5, 20, 40)),
        ((0, 20, 30, 40), (0, 20, 40)),
        ((80, 60, 30, 30), (70, 50, 30)),
        ((-5, -5, 30, 30), (0, 0, 30)),
        ((0, 0, 100, 80), (10, 0, 80)),
        ((50, 0, 100, 300), (20, 0, 80)),
        ((6, 6, 0, 0), (6, 6, 1)),
    ],
)
def test_box_becomes_a_centred_square_inside_the_image(
    box: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    assert to_square_box(*box, shape=(80, 100, 3)) == expected


def test_cascades_that_are_not_installed_are_one_error_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check_cascades()
    monkeypatch.setattr("cv2.data.haarcascades", str(tmp_path))
    with raises_code("face-cascade.missing", "default, alt2, alt, alt_tree;", "opencv-python>=4.8,<5"):
        check_cascades()
