"""Pictures and films: read one after the other, and written again with what was answered on them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.folder.clips import natural_sort_key
from datasets.folder.rows import SUFFIXES
from datasets.pixels.containers import find_size_fault
from datasets.pixels.decode import read_image
from datasets.spec import ImageRef
from datasets.text import sanitize
from datasets.tree import MAX_DEPTH, DirectoryTree

# Damaged films are told of by us; FFmpeg would write of every frame to the terminal.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv")
MAX_ANNOTATED = 50
"""Pictures of a folder that are written again, the first ones."""

MIN_SIDE = 240
"""Short side in pixels up to which an annotated picture is enlarged, or its text could not be read."""

CODECS = (("annotated.mp4", "mp4v"), ("annotated.avi", "MJPG"))
_DEFAULT_FPS = 25.0
_GREEN, _BLACK = (80, 220, 80), (0, 0, 0)
_FILE_SIGNATURES, _MP4_ATOMS = (
    (b"RIFF", b"\x1a\x45\xdf\xa3"),
    (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"),
)

Image = NDArray[np.uint8]
Rect = tuple[int, int, int, int]
"""Left, top, width and height, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSource:
    """What is to be looked at: `kind` is "image", "folder" or "film".

    `files` are the pictures, or the film alone; `frames` how many frames there should be; `rate` a film's
    frames a second, 0 elsewhere; `warnings` tell what was left out.
    """

    kind: str
    root: Path
    files: tuple[Path, ...]
    frame_count: int
    fps: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its answers are named by: the file's name without its suffix, or the folder's."""
        return sanitize_file_name(self.root.name if self.kind == "folder" else self.files[0].stem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame, numbered from 1: uint8 (H, W, 3) blue, green, red, or None because of `fault`.

    `time` is where in a film it stands and `reading` how long it took to read, both in seconds.
    """

    file: str
    number: int
    image: Image | None
    read_seconds: float
    timestamp: float | None = None
    fault: str = ""


def sanitize_file_name(text: str) -> str:
    """`text` as a part of a file name that every system takes and none hides."""
    return re.sub(r"[^\w.-]", "-", text, flags=re.ASCII)[:60].strip(".") or "source"


def scan_source(path: Path, *, out: Path) -> FrameSource:
    """What lies at `path`; `out` is where results go, whose pictures are none of the source's.

    Raises:
        ValueError: nothing is there, or nothing that can be looked at.
    """
    absolute_path, suffix = Path(os.path.abspath(path)), path.suffix.lower()
    results_folder = Path(os.path.realpath(out))
    if Path(os.path.realpath(absolute_path)).is_relative_to(results_folder):
        raise ValueError(f"{path} lies in --out {out}, whose pictures count as answers; name another --out")
    if os.path.isdir(absolute_path):
        return _scan_folder(absolute_path, results_folder)
    if not os.path.isfile(absolute_path):
        raise ValueError(f"{path} is not there; name an image, a folder of images or a film")
    if suffix in SUFFIXES:
        return FrameSource(kind="image", root=absolute_path.parent, files=(absolute_path,), frame_count=1)
    if suffix in VIDEO_SUFFIXES:
        for name in map(str, (absolute_path, results_folder)):
            # OpenCV ends the process over a name that is no text.
            if name.encode(errors="replace").decode() != name:
                message = sanitize(name, max_length=len(name))
                raise ValueError(f"a film and --out need names that are text; got {message}; rename it")
        return _scan_video(absolute_path)
    choices = ", ".join((*sorted(SUFFIXES), *VIDEO_SUFFIXES))
    raise ValueError(f"{path} is neither an image nor a film; accepted: {choices}, or a folder of images")


def _scan_folder(path: Path, results_folder: Path) -> FrameSource:
    tree = DirectoryTree(path)
    files = [
        file
        for _, listing in tree.walk()
        for file in listing.files
        if file.suffix.lower() in SUFFIXES and not Path(os.path.realpath(file)).is_relative_to(results_folder)
    ]
    if not files:
        raise ValueError(
            f"{path} holds no image down to {MAX_DEPTH} levels below it; accepted: "
            f"{', '.join(sorted(SUFFIXES))}; a film is named by itself"
        )
    return FrameSource(
        kind="folder",
        root=path,
        files=tuple(sorted(files, key=lambda file: natural_sort_key(tree.relative_to_root(file)))),
        frame_count=len(files),
        warnings=tuple(
            f"{anomaly.code}: {sanitize(anomaly.location)}: {sanitize(anomaly.description)}; {anomaly.action}"
            for anomaly in tree.anomalies
        ),
    )


def _scan_video(path: Path) -> FrameSource:
    """A film that OpenCV opens.

    Raises:
        ValueError: it does not.
    """
    with path.open("rb") as file:
        header = file.read(8)
    # FFmpeg would take a text for a playlist of further files.
    if header[:4] not in _FILE_SIGNATURES and header[4:] not in _MP4_ATOMS:
        raise ValueError(f"{path} is no film, whatever its name says; copy it anew")
    log_level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(log_level)
    property_ids = (
        cv2.CAP_PROP_FRAME_COUNT,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
    )
    is_readable, (frames, fps, width, height) = (
        video.isOpened(),
        (video.get(property_id) for property_id in property_ids),
    )
    video.release()
    if not is_readable:
        raise ValueError(f"{path} is no film that OpenCV opens; copy it anew, or convert it to .mp4 (H.264)")
    if fault := find_size_fault(int(width), int(height)):
        raise ValueError(f"{path}: {fault}")
    fps = fps if 0 < fps <= 10_000 else _DEFAULT_FPS
    return FrameSource(kind="film", root=path.parent, files=(path,), frame_count=max(0, int(frames)), fps=fps)


def read_frames(source: FrameSource) -> Iterator[Frame]:
    """Every frame in order; what cannot be read comes with its fault."""
    return _read_video_frames(source) if source.kind == "film" else _read_image_frames(source)


def _read_image_frames(source: FrameSource) -> Iterator[Frame]:
    for number, path in enumerate(source.files, start=1):
        name = path.relative_to(source.root).as_posix()
        start = time.perf_counter()
        try:
            decoded_image = read_image(ImageRef(str(path)))
            image, fault = decoded_image.image, decoded_image.fault
        except OSError as error:
            image, fault = None, f"it cannot be read: {error.strerror}"
        yield Frame(
            file=name, number=number, image=image, read_seconds=time.perf_counter() - start, fault=fault
        )


def _read_video_frames(source: FrameSource) -> Iterator[Frame]:
    path = source.files[0]
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        number, start = 1, time.perf_counter()
        while video.grab():
            seconds = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
            is_decoded, image = video.retrieve()
            yield Frame(
                file=path.name,
                number=number,
                timestamp=seconds,
                image=np.asarray(image, dtype=np.uint8) if is_decoded else None,
                read_seconds=time.perf_counter() - start,
                fault="" if is_decoded else "the frame cannot be decoded",
            )
            number, start = number + 1, time.perf_counter()
    finally:
        video.release()


class AnnotatedWriter:
    """Copies with box and text, made as the frames come: one picture, the first of a folder, or a film.

    `out` holds nothing of any other source; `files` are those written so far.
    """

    def __init__(self, source: FrameSource, folder: Path) -> None:
        self.files: list[Path] = []
        self._source, self._folder = source, folder
        self._video: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, frame: Frame, box: Rect, text: str) -> None:
        """Write one frame, if it is among those that are written."""
        assert frame.image is not None
        if self._source.kind == "film":
            self._add_video_frame(draw_annotation(frame.image, box, text))
        elif self._source.kind == "image":
            self._write(self._folder / "annotated.png", draw_annotation(frame.image, box, text))
        elif len(self.files) < MAX_ANNOTATED:
            (self._folder / "annotated").mkdir(exist_ok=True)
            path = (
                self._folder
                / "annotated"
                / f"{frame.number:04}_{sanitize_file_name(Path(frame.file).stem)}.png"
            )
            self._write(path, draw_annotation(frame.image, box, text))

    def close(self) -> None:
        """Make a film one that can be played."""
        if self._video is not None:
            self._video.release()

    def _write(self, path: Path, image: Image) -> None:
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        self.files.append(path)

    def _add_video_frame(self, image: Image) -> None:
        if self._video is None:
            self._size = (image.shape[1], image.shape[0])
            for name, codec in CODECS:
                fourcc = cv2.VideoWriter.fourcc(*codec)
                self._video = cv2.VideoWriter(str(self._folder / name), fourcc, self._source.fps, self._size)
                if self._video.isOpened():
                    self.files.append(self._folder / name)
                    break
        assert self._video is not None
        # A frame of another size than the first would be left out without a word.
        self._video.write(cv2.resize(image, self._size))


def draw_annotation(image: Image, box: Rect, text: str) -> Image:
    """A copy, at least `LEAST_SIDE` pixels high and wide, with the box and a line of ASCII text on it."""
    factor = -(-MIN_SIDE // min(image.shape[:2]))
    canvas = np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    left, top, width, height = (factor * value for value in box)
    thickness = max(1, min(canvas.shape[:2]) // 240)
    cv2.rectangle(canvas, (left, top), (left + width - 1, top + height - 1), _GREEN, thickness)
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, min(canvas.shape[:2]) / 480
    (text_width, text_height), baseline = cv2.getTextSize(text, font, scale, thickness)
    cv2.rectangle(canvas, (0, 0), (text_width + 2 * baseline, text_height + 2 * baseline), _BLACK, cv2.FILLED)
    cv2.putText(canvas, text, (baseline, text_height + baseline), font, scale, _GREEN, thickness, cv2.LINE_AA)
    return canvas
