from pathlib import Path

import cv2
import numpy as np
import pytest

from harness.inference import video_io
from harness.inference.video_io import (
    MIN_SIDE,
    AnnotatedWriter,
    Frame,
    draw_annotation,
    read_frames,
    sanitize_file_name,
    scan_source,
)

IMAGE = np.full((20, 30, 3), 90, np.uint8)
BOX = (2, 3, 10, 8)


def _write_images(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", IMAGE)[1].tobytes())
    return folder


def _write_video(path: Path, frames: int = 5) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for value in range(frames):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [("a b/c.png", "a-b-c.png"), ("..", "source"), ("", "source"), (".x", "x"), ("é" * 99, "-" * 60)],
)
def test_file_name_is_valid_on_all_systems(text: str, name: str) -> None:
    assert sanitize_file_name(text) == name


def test_image_is_a_source_of_one_frame(tmp_path: Path) -> None:
    _write_images(tmp_path, "a.png")
    source = scan_source(tmp_path / "a.png", out=tmp_path / "out")
    assert (source.kind, source.frame_count, source.name) == ("image", 1, "a")
    (frame,) = read_frames(source)
    assert frame.image is not None
    np.testing.assert_array_equal(frame.image, IMAGE)


def test_folder_is_read_in_natural_order_without_results(tmp_path: Path) -> None:
    _write_images(tmp_path, "f10.png", "f9.png", "joy/f1.png", "out/annotated.png")
    (tmp_path / "notes.txt").write_text("mine")
    source = scan_source(tmp_path, out=tmp_path / "out")
    frames = list(read_frames(source))
    assert [frame.file for frame in frames] == ["f9.png", "f10.png", "joy/f1.png"]
    assert [frame.number for frame in frames] == [1, 2, 3]


def test_damaged_image_is_a_frame_with_its_fault(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    (frame,) = read_frames(scan_source(tmp_path / "a.png", out=tmp_path / "out"))
    assert frame.image is None
    assert frame.fault


def test_video_is_read_frame_by_frame_with_times(tmp_path: Path) -> None:
    source = scan_source(_write_video(tmp_path / "v.avi"), out=tmp_path / "out")
    assert (source.kind, source.frame_count, source.fps) == ("video", 5, 10.0)
    frames = list(read_frames(source))
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5]
    times = [frame.timestamp for frame in frames if frame.timestamp is not None]
    assert np.diff(times) == pytest.approx([0.1] * 4)
    means = [float(frame.image.mean()) for frame in frames if frame.image is not None]
    assert means == pytest.approx([0, 40, 80, 120, 160], abs=6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.png", None, "does not exist"),
        ("a.txt", b"text", "is neither an image nor a video"),
        ("a.mp4", b"#EXTM3U\nother.mp4", "is not a video, despite its suffix"),
        ("a.avi", b"RIFF and then nothing", "is not a video that OpenCV can open"),
        ("out/a.png", b"", "images in --out count as results"),
    ],
)
def test_source_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    (tmp_path / "out").mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        scan_source(tmp_path / name, out=tmp_path / "out")


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no image"):
        scan_source(tmp_path, out=tmp_path / "out")


def test_annotation_enlarges_a_small_image_and_leaves_the_original() -> None:
    original = IMAGE.copy()
    annotated = draw_annotation(original, BOX, "joy 90 %")
    assert min(annotated.shape[:2]) >= MIN_SIDE
    assert annotated.shape[0] / annotated.shape[1] == 20 / 30
    np.testing.assert_array_equal(original, IMAGE)
    assert (annotated != 90).any()


def test_writer_annotates_the_first_images_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_io, "MAX_ANNOTATED", 2)
    source = scan_source(_write_images(tmp_path / "in", "a.png", "b.png", "c.png"), out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    writer = AnnotatedWriter(source, tmp_path / "out")
    for frame in read_frames(source):
        writer.add(frame, BOX, "joy")
    writer.close()
    assert [path.name for path in writer.files] == ["0001_a.png", "0002_b.png"]


def test_writer_annotates_a_video(tmp_path: Path) -> None:
    source = scan_source(_write_video(tmp_path / "v.avi"), out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    writer = AnnotatedWriter(source, tmp_path / "out")
    for frame in read_frames(source):
        writer.add(frame, BOX, "joy")
    # A frame of another size is resized to that of the video.
    writer.add(Frame(file="v.avi", number=6, image=IMAGE, read_seconds=0.0), BOX, "joy")
    writer.close()
    (path,) = writer.files
    assert len(list(read_frames(scan_source(path, out=tmp_path / "other")))) == 6
