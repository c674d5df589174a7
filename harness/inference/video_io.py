"""Read the frames of images and videos, and write annotated copies."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.io.containers import find_size_fault
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree
from datasets.io.image_names import IMAGE_SUFFIXES, natural_sort_key
from datasets.io.image_reader import DecodedImage, read_image
from datasets.spec import ImageRef
from datasets.text import sanitize
from harness.errors import HarnessError

# harness reports damaged videos itself; FFmpeg would print a message for each frame.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv")
MAX_ANNOTATED = 50
"""Maximum number of annotated images for a folder; later images are not written."""

MIN_SIDE = 240
"""Minimum short side of an annotated image in pixels; smaller images are enlarged for legible text."""

CODECS = (("annotated.mp4", "mp4v"), ("annotated.avi", "MJPG"))
_DEFAULT_FPS = 25.0
_GREEN, _BLACK = (80, 220, 80), (0, 0, 0)
_FILE_SIGNATURES, _MP4_ATOMS = (
    (b"RIFF", b"\x1a\x45\xdf\xa3"),
    (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"),
)

Image = NDArray[np.uint8]
Rect = tuple[int, int, int, int]
"""Rectangle as (left, top, width, height) in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSource:
    """Source of frames: an image, a folder of images or a video.

    `kind` is "image", "folder" or "video". `files` are the images, or the only video. `frame_count` is the
    expected number of frames, `fps` the frame rate of a video (0 for images). `warnings` list skipped files.
    """

    kind: str
    root: Path
    files: tuple[Path, ...]
    frame_count: int
    fps: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name for the output folder: the file name without its suffix, or the folder name."""
        return sanitize_file_name(self.root.name if self.kind == "folder" else self.files[0].stem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a source.

    `number` counts from 1. `image` is uint8 (H, W, 3) in BGR order, or None if `fault` says why the frame
    cannot be read. `timestamp` is the position in a video and `read_seconds` the reading time, in seconds.
    `digest` is the SHA-256 of an image file's bytes or of a video frame's pixels, as in
    `datasets.io.image_reader`.
    """

    file: str
    number: int
    image: Image | None
    read_seconds: float
    timestamp: float | None = None
    fault: str = ""
    digest: str = ""


def sanitize_file_name(text: str) -> str:
    """Return `text` as a file name part that is valid on all systems and not hidden."""
    return re.sub(r"[^\w.-]", "-", text, flags=re.ASCII)[:60].strip(".") or "source"


def scan_source(path: Path, *, out: Path) -> FrameSource:
    """Return the frame source at `path`. Images in the results folder `out` are not part of a source.

    Raises:
        HarnessError: `path` does not exist or is not a readable source.
    """
    absolute_path, suffix = Path(os.path.abspath(path)), path.suffix.lower()
    results_folder = Path(os.path.realpath(out))
    if Path(os.path.realpath(absolute_path)).is_relative_to(results_folder):
        raise HarnessError(
            "source.in-output-folder",
            f"{path} is in --out {out}, and images in --out count as results; name another --out",
        )
    if os.path.isdir(absolute_path):
        return _scan_folder(absolute_path, results_folder)
    if not os.path.isfile(absolute_path):
        raise HarnessError(
            "source.missing", f"{path} does not exist; name an image, a folder of images or a video"
        )
    if suffix in IMAGE_SUFFIXES:
        return FrameSource(kind="image", root=absolute_path.parent, files=(absolute_path,), frame_count=1)
    if suffix in VIDEO_SUFFIXES:
        for name in map(str, (absolute_path, results_folder)):
            # OpenCV aborts the process if a name is not valid UTF-8.
            if name.encode(errors="replace").decode() != name:
                message = sanitize(name, max_length=len(name))
                raise HarnessError(
                    "source.name-not-utf-8",
                    f"the names of a video and of --out must be valid UTF-8; got {message}: rename it",
                )
        return _scan_video(absolute_path)
    choices = ", ".join((*sorted(IMAGE_SUFFIXES), *VIDEO_SUFFIXES))
    raise HarnessError(
        "source.unknown-kind",
        f"{path} is neither an image nor a video; accepted: {choices}, or a folder of images",
    )


def _scan_folder(path: Path, results_folder: Path) -> FrameSource:
    tree = DirectoryTree(path)
    files = [
        file
        for _, listing in tree.walk()
        for file in listing.files
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not Path(os.path.realpath(file)).is_relative_to(results_folder)
    ]
    if not files:
        raise HarnessError(
            "source.no-image",
            f"{path} holds no image within {MAX_DEPTH} levels of folders; accepted: "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}; to read a video, name its file",
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
    """Return the frame source of a video.

    Raises:
        HarnessError: OpenCV cannot open the video.
    """
    with path.open("rb") as file:
        header = file.read(8)
    # FFmpeg would read a text file as a playlist of other files.
    if header[:4] not in _FILE_SIGNATURES and header[4:] not in _MP4_ATOMS:
        raise HarnessError(
            "video.no-video", f"{path} is not a video, despite its suffix; copy the file again"
        )
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
        raise HarnessError(
            "video.unreadable",
            f"{path} is not a video that OpenCV can open; copy the file again, or convert it to .mp4 (H.264)",
        )
    if fault := find_size_fault(int(width), int(height)):
        raise HarnessError("video.frame-size", f"{path}: {fault}; scale the video down")
    fps = fps if 0 < fps <= 10_000 else _DEFAULT_FPS
    return FrameSource(
        kind="video", root=path.parent, files=(path,), frame_count=max(0, int(frames)), fps=fps
    )


def read_frames(source: FrameSource) -> Iterator[Frame]:
    """Yield the frames in order. A frame that cannot be read has `image` None and a `fault`."""
    return _read_video_frames(source) if source.kind == "video" else _read_image_frames(source)


def _read_image_frames(source: FrameSource) -> Iterator[Frame]:
    for number, path in enumerate(source.files, start=1):
        name = path.relative_to(source.root).as_posix()
        start = time.perf_counter()
        try:
            decoded_image = read_image(ImageRef(str(path)))
        except OSError as error:
            fault = f"it cannot be read: {error.strerror}"
            decoded_image = DecodedImage(digest="", image=None, fault=fault)
        yield Frame(
            file=name,
            number=number,
            image=decoded_image.image,
            read_seconds=time.perf_counter() - start,
            fault=decoded_image.fault,
            digest=decoded_image.digest,
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
                digest=hashlib.sha256(image.tobytes()).hexdigest() if is_decoded else "",
            )
            number, start = number + 1, time.perf_counter()
    finally:
        video.release()


class AnnotatedWriter:
    """Write annotated copies of frames: one image, the first images of a folder, or a video.

    `folder` must not hold the output of another source. `files` are the files written so far.
    """

    def __init__(self, source: FrameSource, folder: Path) -> None:
        self.files: list[Path] = []
        self._source, self._folder = source, folder
        self._video: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, frame: Frame, box: Rect, text: str) -> None:
        """Write an annotated copy of one frame; skip images of a folder after the first `MAX_ANNOTATED`."""
        assert frame.image is not None
        if self._source.kind == "video":
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
        """Close the video file, which is not playable before."""
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
        # VideoWriter silently drops frames whose size differs from the first frame's.
        self._video.write(cv2.resize(image, self._size))


def draw_annotation(image: Image, box: Rect, text: str) -> Image:
    """Return a copy with a box and a line of ASCII text, enlarged to at least `MIN_SIDE` pixels per side."""
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
