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

from architectures.network import build_network
from datasets.catalogue import SYNTHETIC
from datasets.faces.haar import FaceDetector, check_cascades
from datasets.pixels.represent import represent
from harness.footage import Frame, Image, Rect
from harness.training.evaluate import compute_logits
from harness.training.weights import load_weights
from studies.spec import RunSpec

if TYPE_CHECKING:
    from harness.tracking.ledger import Tracker

ALIGN_OPTIONS = ("auto", "haar", "none")

FILL_RATIO = 2 / 3
"""Share of a picture's short side above which a face fills it. The faces of drawn releases take 0.78 to 0.93
where they come cut out (Cropped, CK+48), 0.37 to 0.52 in whole recordings (RAW, CK+ official)."""

STABLE_IOU = 0.7
"""Overlap (intersection over union) from which a film's box stays where it was: boxes found anew jitter more
than a micro-expression moves, and one step of the search's scale, 1.1, alone costs 0.17."""

PERCENTILES = (50, 95, 99)
_ID_PATTERN = re.compile(r"[0-9a-f]{4,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A finished run's network on its device, in evaluation mode, and what it answers with.

    `drawn` says that the faces it learned from are drawn by harness.
    """

    run_id: str
    spec: RunSpec
    classes: tuple[str, ...]
    network: nn.Module
    device: torch.device
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePrediction:
    """One frame's answer: `probabilities` by class, () where there is none because of `note`.

    `box` is what was cut out of the picture; `face` is "found", "filled" (it fills the picture, which was
    taken whole), "none" (not found, the picture was taken whole) or "" (not searched for). `seconds` are
    those of reading, of finding the face and of classifying.
    """

    file: str
    frame_number: int
    timestamp: float | None
    box: Rect | None
    face_status: str
    probabilities: tuple[float, ...]
    note: str
    stage_seconds: tuple[float, float, float]

    @property
    def predicted_class(self) -> int:
        """The most probable class; of equals, the first."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


def load_trained_model(tracker: Tracker, name: str, *, device: torch.device) -> TrainedModel:
    """The network of the run whose id or key is `name`, or begins so.

    Raises:
        ValueError: no such run, or several; it has not finished; what it left is gone or cannot be read.
    """
    run_id, key = _find_finished_run(tracker, name.strip().lower())
    result = tracker.load_result(run_id)
    if result is None:
        raise ValueError(f"the artifacts of run {run_id} cannot be read (moved or deleted?); run it again")
    if not result.spec.is_trained:
        raise ValueError(
            f"run {run_id} is the {result.spec.variant} of {result.spec.architecture.name} and has no "
            "network of its own; name the run whose network it reads"
        )
    classes = result.data.classes
    # As `harness.training.run.network_of` has it, less ImageNet's weights, which the run's own replace.
    torch.backends.cudnn.allow_tf32 = False
    network = build_network(replace(result.spec.architecture, pretrained=False), num_classes=len(classes))
    with tempfile.TemporaryDirectory() as folder:
        load_weights(network, tracker.download_weights(run_id, folder), label=f"run {run_id}", key=key)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainedModel(
        run_id=run_id,
        spec=result.spec,
        classes=classes,
        network=network.eval(),
        device=device,
        synthetic=result.data.synthetic or result.spec.dataset.name == SYNTHETIC,
    )


def _find_finished_run(tracker: Tracker, name: str) -> tuple[str, str]:
    """The id and the key of the one run that `name` begins."""
    hint = "`harness ui` shows ids, the same study with --dry-run keys"
    if not _ID_PATTERN.fullmatch(name):
        raise ValueError(
            f"RUN must be a run's id or key, or its first 4 or more digits (0-9, a-f); got {name!r}; {hint}"
        )
    cells = tracker.find_cells(name)
    if not cells:
        raise ValueError(f"no run on {tracker.display_uri()} whose id or key begins with {name}; {hint}")
    if len({key for key, _ in cells.values()}) > 1:
        matches = ", ".join(f"{run_id} (key {key})" for run_id, (key, _) in list(cells.items())[:5])
        raise ValueError(f"{name} is how several runs begin; give more digits: {matches}")
    finished_runs = [(run_id, key) for run_id, (key, status) in cells.items() if status == "FINISHED"]
    if not finished_runs:
        ((run_id, (_, status)), *_) = cells.items()
        raise ValueError(f"run {run_id} has not finished ({status}); start its study's command again")
    return finished_runs[0]


class Predictor:
    """Answers frame by frame; remembers the onset and a film's last box, so each source needs its own.

    `align` is one of `ALIGN`. "haar" cuts to the face, "none" takes pictures whole; "auto" cuts to the face,
    but takes the picture whole where the face fills it and the run was trained on faces that came cut out. A
    picture without a face is taken whole. Where a run compares with the onset, that is the first frame
    that can be read, and all frames are cut as that one.

    Raises:
        ValueError: an unknown `align`, or faces are to be searched for and OpenCV has no cascades.
    """

    def __init__(self, model: TrainedModel, *, align: str, is_video: bool) -> None:
        if align not in ALIGN_OPTIONS:
            raise ValueError(f"unknown --align {align!r}; accepted: {', '.join(ALIGN_OPTIONS)}")
        self._model, self._is_video = model, is_video
        self._allows_full_image = align == "auto" and model.spec.dataset.alignment == "none"
        self._detector: FaceDetector | None = None
        self._box: Rect | None = None
        self._first: tuple[Image, Rect, str] | None = None
        image_size = model.spec.dataset.image_size
        if align != "none":
            check_cascades()
            self._detector = FaceDetector()
        # Loads the cascades and makes the device ready; neither is any frame's own time.
        black_image = np.zeros((image_size, image_size, 3), np.uint8)
        self._find_face(black_image)
        self._compute_probabilities(black_image, black_image)

    def predict(self, frame: Frame) -> FramePrediction:
        """The answer for the next frame."""
        start = time.perf_counter()
        if frame.image is None:
            return _make_empty_prediction(frame, frame.fault)
        if self._first is None:
            box, face_status = self._find_face(frame.image)
        elif frame.image.shape == self._first[0].shape:
            _, box, face_status = self._first
        else:
            return _make_empty_prediction(
                frame, "its size is not that of the onset, with which it would be compared"
            )
        notes = ["no face was found: the whole picture was taken"] if face_status == "none" else []
        if self._first is None and self._model.spec.dataset.representation != "frame":
            self._first = (frame.image, box, face_status)
            notes.insert(0, "taken as the onset")
        face_time = time.perf_counter()
        onset = frame.image if self._first is None else self._first[0]
        probabilities = self._compute_probabilities(_crop(frame.image, box), _crop(onset, box))
        return FramePrediction(
            file=frame.file,
            frame_number=frame.number,
            timestamp=frame.timestamp,
            box=box,
            face_status=face_status,
            probabilities=probabilities,
            note="; ".join(notes),
            stage_seconds=(frame.read_seconds, face_time - start, time.perf_counter() - face_time),
        )

    def _find_face(self, image: Image) -> tuple[Rect, str]:
        """What to cut out of a picture, and the row's `face`."""
        height, width = image.shape[:2]
        full_image = (0, 0, width, height)
        if self._detector is None:
            return full_image, ""
        detection = self._detector.detect(image)
        if detection is None:
            return full_image, "none"
        left, top, side = detection[1]
        if self._allows_full_image and side > FILL_RATIO * min(height, width):
            return full_image, "filled"
        box = (left, top, side, side)
        if self._is_video and self._box is not None and compute_iou(self._box, box) >= STABLE_IOU:
            box = self._box
        self._box = box
        return box, "found"

    def _compute_probabilities(self, face: Image, onset: Image) -> tuple[float, ...]:
        """Of each class, for a face and its onset, uint8 (H, W, 3) blue, green, red."""
        dataset_spec = self._model.spec.dataset
        image = represent(
            face, onset, representation=dataset_spec.representation, size=dataset_spec.image_size
        )
        if dataset_spec.representation != "flow":
            image = image[..., ::-1]
        batch = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]).to(self._model.device)
        # Bringing the logits to the CPU waits for the device, so that what is timed has been done.
        logits = compute_logits(self._model.network, batch).cpu().double()
        return tuple(torch.softmax(logits, dim=1)[0].tolist())


def _make_empty_prediction(frame: Frame, fault: str) -> FramePrediction:
    return FramePrediction(
        file=frame.file,
        frame_number=frame.number,
        timestamp=frame.timestamp,
        box=None,
        face_status="",
        probabilities=(),
        note=fault,
        stage_seconds=(frame.read_seconds, 0.0, 0.0),
    )


def _crop(image: Image, box: Rect) -> Image:
    left, top, width, height = box
    return image[top : top + height, left : left + width]


def compute_iou(first: Rect, second: Rect) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width, height = (
        max(
            0,
            min(first[axis] + first[axis + 2], second[axis] + second[axis + 2])
            - max(first[axis], second[axis]),
        )
        for axis in (0, 1)
    )
    intersection = width * height
    return intersection / (first[2] * first[3] + second[2] * second[3] - intersection)


def summarize_speed(predictions: Sequence[FramePrediction]) -> dict[str, Any]:
    """Frames a second end to end, and percentiles of milliseconds a frame by part, of answered frames.

    End to end is reading, finding the face and classifying, one frame after the other; writing results and
    annotated copies is not in it.
    """
    times = np.array([prediction.stage_seconds for prediction in predictions if prediction.probabilities])
    stages = {
        "reading": times[:, 0],
        "face": times[:, 1],
        "classifying": times[:, 2],
        "all": times.sum(axis=1),
    }
    return {
        "frames": len(times),
        "frames_per_second": len(times) / float(times.sum()),
        "milliseconds": {
            name: {
                f"p{percentile}": float(np.percentile(1000 * stage_times, percentile))
                for percentile in PERCENTILES
            }
            for name, stage_times in stages.items()
        },
    }


def flatten_prediction(prediction: FramePrediction, classes: Sequence[str]) -> dict[str, Any]:
    """A row as the CSV and the JSON have it; None where there is nothing to say."""
    box = prediction.box or (None,) * 4
    probabilities = prediction.probabilities or (None,) * len(classes)
    return {
        "file": prediction.file,
        "frame": prediction.frame_number,
        "time_s": prediction.timestamp,
        **dict(zip("xywh", box, strict=True)),
        "face": prediction.face_status,
        "answer": classes[prediction.predicted_class] if prediction.probabilities else None,
        "confidence": max(prediction.probabilities) if prediction.probabilities else None,
        "note": prediction.note,
        "milliseconds": 1000 * sum(prediction.stage_seconds),
        **{f"p_{name}": value for name, value in zip(classes, probabilities, strict=True)},
    }
