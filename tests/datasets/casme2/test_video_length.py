import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.casme2.video_length import read_video_lengths
from datasets.sheets.clip_files import ClipFiles


@pytest.fixture
def film(tmp_path):
    def write(name, frames):
        path = str(tmp_path / name)
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 200, (64, 48))
        assert writer.isOpened()
        for value in range(frames):
            writer.write(np.full((48, 64, 3), 5 * value, dtype=np.uint8))
        writer.release()
        return Path(path)

    return write


def look(*paths):
    takes = read_video_lengths(
        {("sub01", str(place)): ClipFiles(video_path=str(path)) for place, path in enumerate(paths)}
    )
    return [(take.num_frames, take.fault) for take in takes.values()]


def test_a_videos_frames_are_counted_in_order(film):
    paths = [film(f"{count}.avi", count) for count in (7, 3, 30, 1)]
    assert look(*paths) == [(7, ""), (3, ""), (30, ""), (1, "")]


def test_the_rest_of_a_take_is_kept(film):
    path = str(film("a.avi", 4))
    assert read_video_lengths({("sub01", "EP01"): ClipFiles(video_path=path)}) == {
        ("sub01", "EP01"): ClipFiles(video_path=path, num_frames=4)
    }


def test_what_is_no_video_has_a_fault(film, tmp_path):
    whole = film("whole.avi", 9).read_bytes()
    (tmp_path / "empty.avi").touch()
    (tmp_path / "text.avi").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    (tmp_path / "head.avi").write_bytes(whole[:100])
    (tmp_path / "cut.avi").write_bytes(whole[:3000])
    (tmp_path / "wrong.avi").write_bytes(whole[:12] + bytes(range(256)) * 16)
    faults = [
        fault
        for _, fault in look(*(tmp_path / f"{n}.avi" for n in ("empty", "text", "head", "cut", "wrong")))
    ]
    assert faults[:2] == ["the file is empty", "the file is no AVI"]
    assert faults[2] == "no video that OpenCV opens, or one without frames (100 bytes)"
    assert all(fault.startswith("no video that OpenCV opens") for fault in faults[2:])
    assert look(film("none.avi", 0))[0][0] == 0
    assert look(film("none.avi", 0))[0][1]


def test_a_header_that_promises_more_frames_than_the_file_can_hold_is_a_fault(film, tmp_path):
    data = bytearray(film("a.avi", 5).read_bytes())
    # The main header and the stream header both hold the number of frames.
    main, stream = data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32
    for place in (main, stream):
        assert int.from_bytes(data[place : place + 4], "little") == 5
        data[place : place + 4] = (2_000_000_000).to_bytes(4, "little")
    (tmp_path / "a.avi").write_bytes(data)
    ((length, fault),) = look(tmp_path / "a.avi")
    assert length == 0
    assert fault.startswith("no video that OpenCV opens, or one without frames")


def test_a_file_that_is_gone_and_a_name_that_is_no_text_are_faults(film, tmp_path):
    odd = os.fsencode(tmp_path) + b"/\xff.avi"
    os.rename(film("a.avi", 2), odd)
    assert look(tmp_path / "gone.avi", os.fsdecode(odd)) == [
        (0, "it cannot be read: No such file or directory"),
        (0, "its name is no text; rename it"),
    ]


def test_the_loudness_of_opencv_and_the_environment_are_left_as_they_were(film):
    before = cv2.utils.logging.getLogLevel(), dict(os.environ)
    look(film("a.avi", 2))
    assert (cv2.utils.logging.getLogLevel(), dict(os.environ)) == before


def test_damaged_videos_are_met_without_a_word_to_the_terminal(film, tmp_path):
    # FFmpeg reads its log level once, so this needs a process that has not written a video.
    (tmp_path / "wrong.avi").write_bytes(film("a.avi", 5).read_bytes()[:12] + bytes(range(256)) * 16)
    code = (
        "import sys; from datasets.sheets.clip_files import ClipFiles; "
        "from datasets.casme2.video_length import read_video_lengths; "
        "clips = {('', ''): ClipFiles(video_path=sys.argv[1])}; "
        "print([clip.num_frames for clip in read_video_lengths(clips).values()])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "wrong.avi")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[0]\n", "")
