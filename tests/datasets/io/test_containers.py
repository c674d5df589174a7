import hashlib
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.io.containers import open_container
from datasets.io.image_reader import ImageReader, read_image
from datasets.spec import ImageRef

GREY = np.random.default_rng(0).integers(0, 256, size=(5, 48, 48), dtype=np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> str:
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 200, (64, 48))
    for shade in range(12):
        writer.write(np.full((48, 64, 3), 20 * shade, dtype=np.uint8))
    writer.release()
    return str(path)


@pytest.fixture
def h5_path(tmp_path: Path) -> str:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data_pixel"] = GREY
    return str(tmp_path / "a.h5")


def text(path: Path, rows: list[str], header: str = "emotion,pixels,Usage") -> str:
    path.write_text("\n".join([header, *(f"0,{row},Training" for row in rows)]) + "\n")
    return str(path)


def spell_pixels(image: NDArray[np.uint8]) -> str:
    return " ".join(map(str, image.ravel()))


def load_channel(image_ref: ImageRef) -> NDArray[np.uint8]:
    """Return the first channel of a readable image."""
    image = read_image(image_ref).image
    assert image is not None
    return image[..., 0]


def test_recording_frames_are_read_in_any_order(video: str) -> None:
    with ImageReader() as reader:
        for item in (3, 3, 4, 9, 2, 11, 0):
            image_array = reader.read(ImageRef(video, item))
            assert image_array.image is not None
            assert image_array.image.shape == (48, 64, 3)
            assert np.abs(image_array.image.astype(int) - 20 * item).max() <= 3
            assert image_array.digest == hashlib.sha256(image_array.image.tobytes()).hexdigest()


def test_ordered_reads_open_the_video_a_single_time(video: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    capture = cv2.VideoCapture

    def record_capture(*args: Any) -> cv2.VideoCapture:
        calls.append(args)
        return capture(*args)

    monkeypatch.setattr(cv2, "VideoCapture", record_capture)
    with ImageReader() as reader:
        for item in range(12):
            assert reader.read(ImageRef(video, item)).image is not None
    assert len(calls) == 1


def test_frame_after_the_end_of_a_recording_is_a_fault(video: str) -> None:
    with ImageReader() as reader:
        fault = "the video has 12 frames; frame 13 was requested"
        assert [reader.read(ImageRef(video, item)).fault for item in (12, 11, 12)] == [fault, "", fault]


def test_invalid_video_file_is_a_fault(tmp_path: Path, video: str) -> None:
    with open(video, "rb") as file:
        content = file.read()
    for name, data in (("junk.avi", b"junk" * 9), ("empty.avi", b""), ("cut.avi", content[:40])):
        (tmp_path / name).write_bytes(data)
        assert "cannot read the file as a video" in read_image(ImageRef(str(tmp_path / name), 0)).fault


def test_recording_of_too_large_frames_is_refused(video: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.io.containers.MAX_PIXELS", 64 * 48 - 1)
    assert "64 x 48 pixels" in read_image(ImageRef(video, 0)).fault


def test_hdf5_images_are_grey_and_digests_hash_their_pixels(h5_path: str) -> None:
    for item in (4, 0):
        image_array = read_image(ImageRef(h5_path, item))
        assert image_array.image is not None
        assert np.array_equal(image_array.image, np.dstack([GREY[item]] * 3))
        assert image_array.digest == hashlib.sha256(GREY[item].tobytes()).hexdigest()
    assert read_image(ImageRef(h5_path, 5)).fault == "data_pixel has 5 images; image 6 was requested"


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("other", GREY, "no data set data_pixel"),
        ("data_pixel", GREY.astype(float), "uint8 (images, height, width) is expected"),
        ("data_pixel", GREY[0], "uint8 (images, height, width) is expected"),
        ("data_pixel/group", GREY, "not a data set stored in the file itself"),
    ],
)
def test_hdf5_of_another_form_is_a_fault(
    tmp_path: Path, name: str, data: NDArray[np.float64 | np.uint8], fault: str
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[name] = data
    assert fault in read_image(ImageRef(str(tmp_path / "a.h5"), 0)).fault


def test_invalid_hdf5_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"junk" * 100)
    assert read_image(ImageRef(str(tmp_path / "a.h5"), 0)).fault == "the file is not readable HDF5"


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "\ufeffemotion, Pixels ,Usage"])
def test_csv_images_match_their_rows(tmp_path: Path, header: str) -> None:
    path = text(tmp_path / "a.csv", [spell_pixels(image) for image in GREY], header)
    for item in (2, 0, 4):
        image_array = read_image(ImageRef(path, item))
        assert image_array.image is not None
        assert np.array_equal(image_array.image, np.dstack([GREY[item]] * 3))
        assert image_array.digest == hashlib.sha256(GREY[item].tobytes()).hexdigest()
    assert read_image(ImageRef(path, 5)).fault == "the file has 5 rows; row 6 was requested"


def test_csv_is_read_again_only_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    plain = open

    def record_open(path: str, *args: Any, **options: Any) -> Any:
        calls.append(options)
        return plain(path, *args, **options)

    monkeypatch.setattr("builtins.open", record_open)
    path = text(tmp_path / "a.csv", [spell_pixels(image) for image in GREY])
    calls.clear()
    for item in range(5):
        read_image(ImageRef(path, item))
    assert sum("newline" in kind for kind in calls) == 1
    text(tmp_path / "a.csv", [spell_pixels(image) for image in GREY[::-1]] + ["7"])
    assert np.array_equal(load_channel(ImageRef(path, 0)), GREY[4])


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1 2 3", "it has 3 pixels; 48 x 48 are expected"),
        ("", "it has 0 pixels"),
        ("a " * 2304, "not all whole numbers"),
        (f"{2**70} " * 2304, "not all whole numbers"),
        ("256 " * 2304, "not all from 0 to 255"),
        ("-1 " * 2304, "not all from 0 to 255"),
    ],
)
def test_row_without_valid_image_is_a_separate_fault(tmp_path: Path, row: str, fault: str) -> None:
    path = text(tmp_path / "a.csv", [row, spell_pixels(GREY[1])])
    assert fault in read_image(ImageRef(path, 0)).fault
    assert np.array_equal(load_channel(ImageRef(path, 1)), GREY[1])


def test_csv_without_the_column_and_invalid_csv_are_faults(tmp_path: Path) -> None:
    assert (
        read_image(ImageRef(text(tmp_path / "a.csv", ["1"], "a,b,c"), 0)).fault
        == "the file has no column pixels"
    )
    (tmp_path / "b.csv").write_text('pixels\n"' + "1 " * 100_000)
    assert "not readable CSV" in read_image(ImageRef(str(tmp_path / "b.csv"), 0)).fault
    (tmp_path / "c.csv").write_bytes(b"")
    assert read_image(ImageRef(str(tmp_path / "c.csv"), 0)).fault == "the file has no column pixels"


def test_missing_container_is_an_os_error_naming_it(tmp_path: Path) -> None:
    for name in ("gone.avi", "gone.h5", "gone.csv"):
        with pytest.raises(FileNotFoundError, match=name):
            open_container(str(tmp_path / name))
