import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.casme2.video_length import read_video_lengths
from datasets.sheets.clip_files import ClipFiles


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[[str, int], Path]:
    def write(name: str, frames: int) -> Path:
        path = str(tmp_path / name)
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 200, (64, 48))
        assert writer.isOpened()
        for value in range(frames):
            writer.write(np.full((48, 64, 3), 5 * value, dtype=np.uint8))
        writer.release()
        return Path(path)

    return write


def look(*paths: Path | str) -> list[tuple[int, str]]:
    clips = read_video_lengths(
        {("sub01", str(index)): ClipFiles(video_path=str(path)) for index, path in enumerate(paths)}
    )
    return [(clip.num_frames, clip.fault) for clip in clips.values()]


def test_frames_per_video_come_in_order(write_video: Callable[[str, int], Path]) -> None:
    paths = [write_video(f"{count}.avi", count) for count in (7, 3, 30, 1)]
    assert look(*paths) == [(7, ""), (3, ""), (30, ""), (1, "")]


def test_other_fields_of_clip_files_stay(write_video: Callable[[str, int], Path]) -> None:
    path = str(write_video("a.avi", 4))
    assert read_video_lengths({("sub01", "EP01"): ClipFiles(video_path=path)}) == {
        ("sub01", "EP01"): ClipFiles(video_path=path, num_frames=4)
    }


def test_invalid_video_has_a_fault(write_video: Callable[[str, int], Path], tmp_path: Path) -> None:
    content = write_video("whole.avi", 9).read_bytes()
    (tmp_path / "empty.avi").touch()
    (tmp_path / "text.avi").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    (tmp_path / "head.avi").write_bytes(content[:100])
    (tmp_path / "cut.avi").write_bytes(content[:3000])
    (tmp_path / "wrong.avi").write_bytes(content[:12] + bytes(range(256)) * 16)
    faults = [
        fault
        for _, fault in look(*(tmp_path / f"{n}.avi" for n in ("empty", "text", "head", "cut", "wrong")))
    ]
    assert faults[:2] == ["the file is empty", "the file is not an AVI"]
    assert faults[2] == "no video that OpenCV opens, or one without frames (100 bytes)"
    assert all(fault.startswith("no video that OpenCV opens") for fault in faults[2:])
    assert look(write_video("none.avi", 0))[0][0] == 0
    assert look(write_video("none.avi", 0))[0][1]


def test_impossible_frame_count_in_a_header_is_a_fault(
    write_video: Callable[[str, int], Path], tmp_path: Path
) -> None:
    data = bytearray(write_video("a.avi", 5).read_bytes())
    # The main header and the stream header both hold the number of frames.
    main, stream = data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32
    for offset in (main, stream):
        assert int.from_bytes(data[offset : offset + 4], "little") == 5
        data[offset : offset + 4] = (2_000_000_000).to_bytes(4, "little")
    (tmp_path / "a.avi").write_bytes(data)
    ((length, fault),) = look(tmp_path / "a.avi")
    assert length == 0
    assert fault.startswith("no video that OpenCV opens, or one without frames")


def test_missing_file_and_invalid_name_are_faults(
    write_video: Callable[[str, int], Path], tmp_path: Path
) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.avi"
    os.rename(write_video("a.avi", 2), path)
    assert look(tmp_path / "gone.avi", os.fsdecode(path)) == [
        (0, "it cannot be read: No such file or directory"),
        (0, "its file name cannot be encoded; rename the file"),
    ]


def test_opencv_log_level_and_environment_are_restored(write_video: Callable[[str, int], Path]) -> None:
    before = cv2.utils.logging.getLogLevel(), dict(os.environ)
    look(write_video("a.avi", 2))
    assert (cv2.utils.logging.getLogLevel(), dict(os.environ)) == before


def test_damaged_videos_are_read_silently(write_video: Callable[[str, int], Path], tmp_path: Path) -> None:
    # FFmpeg reads its log level once, so this needs a process that has not written a video.
    (tmp_path / "wrong.avi").write_bytes(write_video("a.avi", 5).read_bytes()[:12] + bytes(range(256)) * 16)
    code = (
        "import sys; from datasets.sheets.clip_files import ClipFiles; "
        "from datasets.casme2.video_length import read_video_lengths; "
        "clips = {('', ''): ClipFiles(video_path=sys.argv[1])}; "
        "print([clip.num_frames for clip in read_video_lengths(clips).values()])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "wrong.avi")]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (process.stdout, process.stderr) == ("[0]\n", "")
