"""A trained network on pictures it has not seen: find the face, classify it, and time both, frame by frame.

Frames come one at a time, as from a camera, so each is searched for its face (Viola and Jones 2001, through
`datasets.faces.haar`) and classified alone. Otherwise pixels are made as for training: `datasets.pixels`
reads, resizes and represents them, `harness.training.evaluate` normalises.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from architectures.network import build
from datasets.catalogue import SYNTHETIC
from datasets.faces.haar import Detector, check_cascades
from datasets.pixels.represent import represent
from harness.footage import Box, Image, Shot
from harness.training.evaluate import logits_of
from harness.training.weights import load_weights
from studies.spec import RunSpec

if TYPE_CHECKING:
    from harness.tracking.ledger import Ledger

ALIGN = ("auto", "haar", "none")

FILLED = 2 / 3
"""Share of a picture's short side above which a face fills it. The faces of drawn releases take 0.78 to 0.93
where they come cut out (Cropped, CK+48), 0.37 to 0.52 in whole recordings (RAW, CK+ official)."""

STILL = 0.7
"""Overlap (intersection over union) from which a film's box stays where it was: boxes found anew jitter more
than a micro-expression moves, and one step of the search's scale, 1.1, alone costs 0.17."""

PERCENTILES = (50, 95, 99)
_NAME = re.compile(r"[0-9a-f]{4,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A finished run's network on its device, in evaluation mode, and what it answers with.

    `drawn` says that the faces it learned from are drawn by harness.
    """

    run_id: str
    spec: RunSpec
    classes: tuple[str, ...]
    network: nn.Module
    device: torch.device
    drawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One frame's answer: `probabilities` by class, () where there is none because of `note`.

    `box` is what was cut out of the picture; `face` is "found", "filled" (it fills the picture, which was
    taken whole), "none" (not found, the picture was taken whole) or "" (not searched for). `seconds` are
    those of reading, of finding the face and of classifying.
    """

    file: str
    frame: int
    time: float | None
    box: Box | None
    face: str
    probabilities: tuple[float, ...]
    note: str
    seconds: tuple[float, float, float]

    @property
    def answer(self) -> int:
        """The most probable class; of equals, the first."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


def trained(ledger: Ledger, name: str, *, device: torch.device) -> Trained:
    """The network of the run whose id or key is `name`, or begins so.

    Raises:
        ValueError: no such run, or several; it has not finished; what it left is gone or cannot be read.
    """
    run_id, key = _finished_run(ledger, name.strip().lower())
    result = ledger.load(run_id)
    if result is None:
        raise ValueError(f"the artifacts of run {run_id} cannot be read (moved or deleted?); run it again")
    if not result.spec.trains:
        raise ValueError(
            f"run {run_id} is the {result.spec.control} of {result.spec.architecture.name} and has no "
            "network of its own; name the run whose network it reads"
        )
    classes = result.data.classes
    # As `harness.training.run.network_of` has it, less ImageNet's weights, which the run's own replace.
    torch.backends.cudnn.allow_tf32 = False
    network = build(replace(result.spec.architecture, pretrained=False), classes=len(classes))
    with tempfile.TemporaryDirectory() as folder:
        load_weights(network, ledger.weights(run_id, folder), of=f"run {run_id}", key=key)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Trained(
        run_id=run_id,
        spec=result.spec,
        classes=classes,
        network=network.eval(),
        device=device,
        drawn=result.data.drawn or result.spec.dataset.name == SYNTHETIC,
    )


def _finished_run(ledger: Ledger, name: str) -> tuple[str, str]:
    """The id and the key of the one run that `name` begins."""
    where = "`harness ui` shows ids, the same study with --dry-run keys"
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"RUN must be a run's id or key, or its first 4 or more digits (0-9, a-f); got {name!r}; {where}"
        )
    cells = ledger.cells(name)
    if not cells:
        raise ValueError(f"no run on {ledger.shown()} whose id or key begins with {name}; {where}")
    if len({key for key, _ in cells.values()}) > 1:
        several = ", ".join(f"{run_id} (key {key})" for run_id, (key, _) in list(cells.items())[:5])
        raise ValueError(f"{name} is how several runs begin; give more digits: {several}")
    finished = [(run_id, key) for run_id, (key, status) in cells.items() if status == "FINISHED"]
    if not finished:
        ((run_id, (_, status)), *_) = cells.items()
        raise ValueError(f"run {run_id} has not finished ({status}); start its study's command again")
    return finished[0]


class Predictor:
    """Answers frame by frame; remembers the onset and a film's last box, so each source needs its own.

    `align` is one of `ALIGN`. "haar" cuts to the face, "none" takes pictures whole; "auto" cuts to the face,
    but takes the picture whole where the face fills it and the run was trained on faces that came cut out. A
    picture without a face is taken whole. Where a run compares with the onset, that is the first frame
    that can be read, and all frames are cut as that one.

    Raises:
        ValueError: an unknown `align`, or faces are to be searched for and OpenCV has no cascades.
    """

    def __init__(self, run: Trained, *, align: str, film: bool) -> None:
        if align not in ALIGN:
            raise ValueError(f"unknown --align {align!r}; accepted: {', '.join(ALIGN)}")
        self._run, self._film = run, film
        self._whole_if_filled = align == "auto" and run.spec.dataset.alignment == "none"
        self._detector: Detector | None = None
        self._box: Box | None = None
        self._first: tuple[Image, Box, str] | None = None
        size = run.spec.dataset.image_size
        if align != "none":
            check_cascades()
            self._detector = Detector()
        # Loads the cascades and makes the device ready; neither is any frame's own time.
        blank = np.zeros((size, size, 3), np.uint8)
        self._cut(blank)
        self._probabilities(blank, blank)

    def row(self, shot: Shot) -> Row:
        """The answer for the next frame."""
        start = time.perf_counter()
        if shot.image is None:
            return _unanswered(shot, shot.fault)
        if self._first is None:
            box, face = self._cut(shot.image)
        elif shot.image.shape == self._first[0].shape:
            _, box, face = self._first
        else:
            return _unanswered(shot, "its size is not that of the onset, with which it would be compared")
        notes = ["no face was found: the whole picture was taken"] if face == "none" else []
        if self._first is None and self._run.spec.dataset.representation != "frame":
            self._first = (shot.image, box, face)
            notes.insert(0, "taken as the onset")
        found = time.perf_counter()
        onset = shot.image if self._first is None else self._first[0]
        probabilities = self._probabilities(_part(shot.image, box), _part(onset, box))
        return Row(
            file=shot.file,
            frame=shot.frame,
            time=shot.time,
            box=box,
            face=face,
            probabilities=probabilities,
            note="; ".join(notes),
            seconds=(shot.reading, found - start, time.perf_counter() - found),
        )

    def _cut(self, image: Image) -> tuple[Box, str]:
        """What to cut out of a picture, and the row's `face`."""
        height, width = image.shape[:2]
        whole = (0, 0, width, height)
        if self._detector is None:
            return whole, ""
        found = self._detector.find(image)
        if found is None:
            return whole, "none"
        left, top, side = found[1]
        if self._whole_if_filled and side > FILLED * min(height, width):
            return whole, "filled"
        box = (left, top, side, side)
        if self._film and self._box is not None and overlap(self._box, box) >= STILL:
            box = self._box
        self._box = box
        return box, "found"

    def _probabilities(self, face: Image, onset: Image) -> tuple[float, ...]:
        """Of each class, for a face and its onset, uint8 (H, W, 3) blue, green, red."""
        data = self._run.spec.dataset
        image = represent(face, onset, representation=data.representation, size=data.image_size)
        if data.representation != "flow":
            image = image[..., ::-1]
        batch = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]).to(self._run.device)
        # Bringing the logits to the CPU waits for the device, so that what is timed has been done.
        logits = logits_of(self._run.network, batch).cpu().double()
        return tuple(torch.softmax(logits, dim=1)[0].tolist())


def _unanswered(shot: Shot, fault: str) -> Row:
    return Row(
        file=shot.file,
        frame=shot.frame,
        time=shot.time,
        box=None,
        face="",
        probabilities=(),
        note=fault,
        seconds=(shot.reading, 0.0, 0.0),
    )


def _part(image: Image, box: Box) -> Image:
    left, top, width, height = box
    return image[top : top + height, left : left + width]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    across, down = (
        max(0, min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i])) for i in (0, 1)
    )
    both = across * down
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def speed(rows: Sequence[Row]) -> dict[str, Any]:
    """Frames a second end to end, and percentiles of milliseconds a frame by part, of answered frames.

    End to end is reading, finding the face and classifying, one frame after the other; writing results and
    annotated copies is not in it.
    """
    times = np.array([row.seconds for row in rows if row.probabilities])
    parts = {
        "reading": times[:, 0],
        "face": times[:, 1],
        "classifying": times[:, 2],
        "all": times.sum(axis=1),
    }
    return {
        "frames": len(times),
        "frames_per_second": len(times) / float(times.sum()),
        "milliseconds": {
            name: {f"p{p}": float(np.percentile(1000 * part, p)) for p in PERCENTILES}
            for name, part in parts.items()
        },
    }


def flat(row: Row, classes: Sequence[str]) -> dict[str, Any]:
    """A row as the CSV and the JSON have it; None where there is nothing to say."""
    box = row.box or (None,) * 4
    probabilities = row.probabilities or (None,) * len(classes)
    return {
        "file": row.file,
        "frame": row.frame,
        "time_s": row.time,
        **dict(zip("xywh", box, strict=True)),
        "face": row.face,
        "answer": classes[row.answer] if row.probabilities else None,
        "confidence": max(row.probabilities) if row.probabilities else None,
        "note": row.note,
        "milliseconds": 1000 * sum(row.seconds),
        **{f"p_{name}": value for name, value in zip(classes, probabilities, strict=True)},
    }
