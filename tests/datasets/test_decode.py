import hashlib

import cv2
import numpy as np
import pytest

from datasets.decode import decode


def encoded(image, suffix=".png"):
    return cv2.imencode(suffix, image)[1].tobytes()


NOISE = np.random.default_rng(0).integers(0, 256, size=(40, 30, 3), dtype=np.uint8)


def test_channels_are_red_green_blue_first(tmp_path):
    path = tmp_path / "a.png"
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    image[...] = (10, 20, 30)
    path.write_bytes(encoded(image))
    decoded = decode(str(path), 5)
    assert decoded.image.shape == (3, 5, 5)
    assert decoded.image.dtype == np.uint8
    assert [np.unique(channel).tolist() for channel in decoded.image] == [[30], [20], [10]]
    assert decoded.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_shrinking_takes_the_mean_of_an_area(tmp_path):
    image = np.array([[0, 100, 8, 8], [40, 60, 8, 8]], dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(encoded(np.vstack([image, image])))
    decoded = decode(str(tmp_path / "a.png"), 2)
    assert decoded.image[0].tolist() == [[50, 8], [50, 8]]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.99, 0.5])
def test_a_file_cut_off_in_its_picture_is_a_fault(tmp_path, capfd, suffix, share):
    data = encoded(NOISE, suffix)
    (tmp_path / "a").write_bytes(data[: int(len(data) * share)])
    decoded = decode(str(tmp_path / "a"), 8)
    assert decoded.image is None
    assert decoded.fault == f"the file is cut off after {int(len(data) * share)} bytes"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("data", "fault"), [(b"", "is empty"), (b"<html>", "no image"), (b"\xff\xd8\xff", "no image")]
)
def test_what_is_no_image_is_a_fault(tmp_path, data, fault):
    (tmp_path / "a.jpg").write_bytes(data)
    assert fault in decode(str(tmp_path / "a.jpg"), 8).fault


def test_bytes_after_the_end_of_a_picture_do_no_harm(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(NOISE, ".jpg") + b"\0" * 100)
    assert decode(str(tmp_path / "a.jpg"), 8).image is not None


def test_a_file_that_is_not_there_is_an_os_error_naming_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        decode(str(tmp_path / "gone.jpg"), 8)
