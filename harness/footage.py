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

from datasets.folder.clips import natural
from datasets.folder.rows import SUFFIXES
from datasets.pixels.containers import too_large
from datasets.pixels.decode import read
from datasets.spec import Picture
from datasets.text import shown
from datasets.tree import LEVELS, Tree

# Damaged films are told of by us; FFmpeg would write of every frame to the terminal.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

FILMS = (".avi", ".mp4", ".mov", ".mkv")
MOST_ANNOTATED = 50
"""Pictures of a folder that are written again, the first ones."""

LEAST_SIDE = 240
"""Short side in pixels up to which an annotated picture is enlarged, or its text could not be read."""

CODECS = (("annotated.mp4", "mp4v"), ("annotated.avi", "MJPG"))
_USUAL_RATE = 25.0
_GREEN, _BLACK = (80, 220, 80), (0, 0, 0)
_STARTS, _ATOMS = (b"RIFF", b"\x1a\x45\xdf\xa3"), (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")

Image = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, width and height, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is to be looked at: `kind` is "image", "folder" or "film".

    `files` are the pictures, or the film alone; `frames` how many frames there should be; `rate` a film's
    frames a second, 0 elsewhere; `warnings` tell what was left out.
    """

    kind: str
    root: Path
    files: tuple[Path, ...]
    frames: int
    rate: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its answers are named by: the file's name without its suffix, or the folder's."""
        return named(self.root.name if self.kind == "folder" else self.files[0].stem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One frame, numbered from 1: uint8 (H, W, 3) blue, green, red, or None because of `fault`.

    `time` is where in a film it stands and `reading` how long it took to read, both in seconds.
    """

    file: str
    frame: int
    image: Image | None
    reading: float
    time: float | None = None
    fault: str = ""


def named(text: str) -> str:
    """`text` as a part of a file name that every system takes and none hides."""
    return re.sub(r"[^\w.-]", "-", text, flags=re.ASCII)[:60].strip(".") or "source"


def source(path: Path, *, out: Path) -> Source:
    """What lies at `path`; `out` is where results go, whose pictures are none of the source's.

    Raises:
        ValueError: nothing is there, or nothing that can be looked at.
    """
    place, suffix = Path(os.path.abspath(path)), path.suffix.lower()
    results = Path(os.path.realpath(out))
    if Path(os.path.realpath(place)).is_relative_to(results):
        raise ValueError(f"{path} lies in --out {out}, whose pictures count as answers; name another --out")
    if os.path.isdir(place):
        return _folder(place, results)
    if not os.path.isfile(place):
        raise ValueError(f"{path} is not there; name an image, a folder of images or a film")
    if suffix in SUFFIXES:
        return Source(kind="image", root=place.parent, files=(place,), frames=1)
    if suffix in FILMS:
        for name in map(str, (place, results)):
            # OpenCV ends the process over a name that is no text.
            if name.encode(errors="replace").decode() != name:
                told = shown(name, longest=len(name))
                raise ValueError(f"a film and --out need names that are text; got {told}; rename it")
        return _film(place)
    accepted = ", ".join((*sorted(SUFFIXES), *FILMS))
    raise ValueError(f"{path} is neither an image nor a film; accepted: {accepted}, or a folder of images")


def _folder(place: Path, results: Path) -> Source:
    tree = Tree(place)
    files = [
        file
        for _, listing in tree.walk()
        for file in listing.files
        if file.suffix.lower() in SUFFIXES and not Path(os.path.realpath(file)).is_relative_to(results)
    ]
    if not files:
        raise ValueError(
            f"{place} holds no image down to {LEVELS} levels below it; accepted: "
            f"{', '.join(sorted(SUFFIXES))}; a film is named by itself"
        )
    return Source(
        kind="folder",
        root=place,
        files=tuple(sorted(files, key=lambda file: natural(tree.relative(file)))),
        frames=len(files),
        warnings=tuple(f"{a.code}: {shown(a.where)}: {shown(a.what)}; {a.action}" for a in tree.anomalies),
    )


def _film(place: Path) -> Source:
    """A film that OpenCV opens.

    Raises:
        ValueError: it does not.
    """
    with place.open("rb") as file:
        start = file.read(8)
    # FFmpeg would take a text for a playlist of further files.
    if start[:4] not in _STARTS and start[4:] not in _ATOMS:
        raise ValueError(f"{place} is no film, whatever its name says; copy it anew")
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        film = cv2.VideoCapture(str(place), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)
    facts = (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    opened, (frames, rate, width, height) = film.isOpened(), (film.get(fact) for fact in facts)
    film.release()
    if not opened:
        raise ValueError(f"{place} is no film that OpenCV opens; copy it anew, or convert it to .mp4 (H.264)")
    if fault := too_large(int(width), int(height)):
        raise ValueError(f"{place}: {fault}")
    rate = rate if 0 < rate <= 10_000 else _USUAL_RATE
    return Source(kind="film", root=place.parent, files=(place,), frames=max(0, int(frames)), rate=rate)


def shots(source: Source) -> Iterator[Shot]:
    """Every frame in order; what cannot be read comes with its fault."""
    return _film_shots(source) if source.kind == "film" else _picture_shots(source)


def _picture_shots(source: Source) -> Iterator[Shot]:
    for frame, path in enumerate(source.files, start=1):
        name = path.relative_to(source.root).as_posix()
        start = time.perf_counter()
        try:
            found = read(Picture(str(path)))
            image, fault = found.image, found.fault
        except OSError as error:
            image, fault = None, f"it cannot be read: {error.strerror}"
        yield Shot(file=name, frame=frame, image=image, reading=time.perf_counter() - start, fault=fault)


def _film_shots(source: Source) -> Iterator[Shot]:
    path = source.files[0]
    film = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        frame, start = 1, time.perf_counter()
        while film.grab():
            at = film.get(cv2.CAP_PROP_POS_MSEC) / 1000
            whole, image = film.retrieve()
            yield Shot(
                file=path.name,
                frame=frame,
                time=at,
                image=np.asarray(image, dtype=np.uint8) if whole else None,
                reading=time.perf_counter() - start,
                fault="" if whole else "the frame cannot be decoded",
            )
            frame, start = frame + 1, time.perf_counter()
    finally:
        film.release()


class Copies:
    """Copies with box and text, made as the frames come: one picture, the first of a folder, or a film.

    `out` holds nothing of any other source; `files` are those written so far.
    """

    def __init__(self, source: Source, out: Path) -> None:
        self.files: list[Path] = []
        self._source, self._out = source, out
        self._film: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, shot: Shot, box: Box, text: str) -> None:
        """Write one frame, if it is among those that are written."""
        assert shot.image is not None
        if self._source.kind == "film":
            self._add_to_film(drawn(shot.image, box, text))
        elif self._source.kind == "image":
            self._write(self._out / "annotated.png", drawn(shot.image, box, text))
        elif len(self.files) < MOST_ANNOTATED:
            (self._out / "annotated").mkdir(exist_ok=True)
            path = self._out / "annotated" / f"{shot.frame:04}_{named(Path(shot.file).stem)}.png"
            self._write(path, drawn(shot.image, box, text))

    def close(self) -> None:
        """Make a film one that can be played."""
        if self._film is not None:
            self._film.release()

    def _write(self, path: Path, image: Image) -> None:
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        self.files.append(path)

    def _add_to_film(self, image: Image) -> None:
        if self._film is None:
            self._size = (image.shape[1], image.shape[0])
            for name, codec in CODECS:
                code = cv2.VideoWriter.fourcc(*codec)
                self._film = cv2.VideoWriter(str(self._out / name), code, self._source.rate, self._size)
                if self._film.isOpened():
                    self.files.append(self._out / name)
                    break
        assert self._film is not None
        # A frame of another size than the first would be left out without a word.
        self._film.write(cv2.resize(image, self._size))


def drawn(image: Image, box: Box, text: str) -> Image:
    """A copy, at least `LEAST_SIDE` pixels high and wide, with the box and a line of ASCII text on it."""
    factor = -(-LEAST_SIDE // min(image.shape[:2]))
    copy = np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    left, top, width, height = (factor * value for value in box)
    stroke = max(1, min(copy.shape[:2]) // 240)
    cv2.rectangle(copy, (left, top), (left + width - 1, top + height - 1), _GREEN, stroke)
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, min(copy.shape[:2]) / 480
    (across, up), down = cv2.getTextSize(text, font, scale, stroke)
    cv2.rectangle(copy, (0, 0), (across + 2 * down, up + 2 * down), _BLACK, cv2.FILLED)
    cv2.putText(copy, text, (down, up + down), font, scale, _GREEN, stroke, cv2.LINE_AA)
    return copy
