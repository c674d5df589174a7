"""Find and classify faces on new images with a trained network, and time both for each frame.

Frames are processed one at a time, as from a camera: the face is detected on each frame (Viola and Jones
2001, in `datasets.faces.haar_detector`) and classified in a batch of one. Images are otherwise processed as
for training: `datasets.preprocessing` reads, resizes and represents them, `harness.training.evaluation`
normalizes them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from architectures.network import build_network
from datasets.catalogue import SYNTHETIC_SETS
from datasets.faces.haar_detector import FaceDetector, check_cascades
from datasets.preprocessing.representations import represent
from harness.errors import HarnessError
from harness.inference.video_io import Frame, Image, Rect
from harness.tracking.run_argument import find_finished_run
from harness.training.engine import FP32_PRECISIONS, set_fp32_precisions
from harness.training.evaluation import compute_logits
from harness.training.training_images import TrainingImages
from harness.training.weights import load_weights, read_training_images
from studies.spec import RunSpec

if TYPE_CHECKING:
    from harness.tracking.tracker import Tracker

ALIGN_OPTIONS = ("auto", "haar", "none")

FILL_RATIO = 2 / 3
"""Share of an image's short side above which a face fills the image.

In synthetic releases, faces take 0.78 to 0.93 of cropped images (Cropped, CK+48) and 0.37 to 0.52 of full
images (RAW, CK+ official).
"""

STABLE_IOU = 0.7
"""Minimum intersection over union at which a video keeps its previous face box.

New detections jitter more than a micro-expression moves: one step of the detector's scale factor, 1.1, alone
reduces the overlap by 0.17.
"""

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """The network of a finished run, on its device and in evaluation mode, with its class names.

    `synthetic` is True if the network was trained on synthetic faces. `training_images` is None if the run is
    of a version that did not record them.
    """

    run_id: str
    spec: RunSpec
    classes: tuple[str, ...]
    network: nn.Module
    device: torch.device
    synthetic: bool = False
    training_images: TrainingImages | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePrediction:
    """The prediction for one frame.

    `probabilities` has one value per class, or is () if `note` says why there is no prediction. `box` is the
    crop of the image. `face_status` is "found", "filled" (the face fills the image; the full image is used),
    "none" (no face was found; the full image is used) or "" (no detection). `stage_seconds` are the times of
    reading, of face detection and of classification. `part` is the part of the run's split that has the same
    image: "training", "validation" or "neither"; None if that is unknown. `truth` is the index of the class
    that the image's folder names, or None.
    """

    file: str
    frame_number: int
    timestamp: float | None
    box: Rect | None
    face_status: str
    probabilities: tuple[float, ...]
    note: str
    stage_seconds: tuple[float, float, float]
    part: str | None = None
    truth: int | None = None

    @property
    def predicted_class(self) -> int:
        """Index of the most probable class; the first of equals."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


def load_trained_model(tracker: Tracker, name: str, *, device: torch.device) -> TrainedModel:
    """Load the network of the run whose id or key starts with `name`.

    Raises:
        HarnessError: No run or several runs match, the run has not finished, or its artifacts cannot be read.
    """
    run_id, key = find_finished_run(tracker.reader, name)
    result = tracker.reader.load_result(run_id)
    if result is None:
        raise HarnessError(
            "artifacts.unreadable-network",
            f"the artifacts of run {run_id} cannot be read (moved or deleted?); run it again",
        )
    if not result.spec.is_trained:
        raise HarnessError(
            "run.without-network",
            f"run {run_id} is the {result.spec.variant} of {result.spec.architecture.name} and has no "
            f"network of its own; name the run that trained the network (key {result.spec.base_run.key})",
        )
    classes = result.data.classes
    # As in training, but without ImageNet weights, because the run's weights replace them.
    set_fp32_precisions(*FP32_PRECISIONS[result.spec.training.precision])
    network = build_network(replace(result.spec.architecture, pretrained=False), num_classes=len(classes))
    with tempfile.TemporaryDirectory() as folder:
        weights_path = tracker.reader.download_weights(run_id, folder)
        load_weights(network, weights_path, label=f"run {run_id}", key=key)
        training_images = read_training_images(weights_path, label=f"run {run_id}")
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainedModel(
        run_id=run_id,
        spec=result.spec,
        classes=classes,
        network=network.eval(),
        device=device,
        synthetic=result.data.synthetic or result.spec.dataset.name in SYNTHETIC_SETS,
        training_images=training_images,
    )


class Predictor:
    """Predict the class of each frame of a source.

    A predictor stores the onset frame and the last face box of a video, so each source needs its own.

    `align` is one of `ALIGN_OPTIONS`. "haar" crops to the face, or uses the full image if no face is found.
    "none" always uses the full image. "auto" is like "haar", but uses the full image if the run was trained
    without alignment and the face fills the image. If the representation needs an onset frame, it is the
    first readable frame, and all frames are cropped to its box.

    Raises:
        ValueError: `align` is unknown, or OpenCV has no cascades for face detection.
    """

    def __init__(self, model: TrainedModel, *, align: str, is_video: bool) -> None:
        if align not in ALIGN_OPTIONS:
            raise HarnessError(
                "alignment.unknown", f"unknown --align {align!r}; accepted: {', '.join(ALIGN_OPTIONS)}"
            )
        self._model, self._is_video = model, is_video
        self._allows_full_image = align == "auto" and model.spec.dataset.alignment == "none"
        self._detector: FaceDetector | None = None
        self._box: Rect | None = None
        self._first: tuple[Image, Rect, str] | None = None
        image_size = model.spec.dataset.image_size
        if align != "none":
            check_cascades()
            self._detector = FaceDetector()
        # Load the cascades and warm up the device, so that the first frame's time does not include this.
        black_image = np.zeros((image_size, image_size, 3), np.uint8)
        self._find_face(black_image)
        self._compute_probabilities(black_image, black_image)

    def predict(self, frame: Frame) -> FramePrediction:
        """Return the prediction for the next frame."""
        start = time.perf_counter()
        if frame.image is None:
            return _make_empty_prediction(frame, frame.fault)
        if self._first is None:
            box, face_status = self._find_face(frame.image)
        elif frame.image.shape == self._first[0].shape:
            _, box, face_status = self._first
        else:
            return _make_empty_prediction(
                frame, "its size differs from the size of the onset frame, so the two cannot be compared"
            )
        notes = ["no face was found: the full image was used"] if face_status == "none" else []
        if self._first is None and self._model.spec.dataset.representation != "frame":
            self._first = (frame.image, box, face_status)
            notes.insert(0, "used as the onset frame")
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
            part=self._find_part(frame),
        )

    def _find_part(self, frame: Frame) -> str | None:
        training_images = self._model.training_images
        return training_images.find_part(frame.digest) if training_images and frame.digest else None

    def _find_face(self, image: Image) -> tuple[Rect, str]:
        """Return the crop box of an image and its face status."""
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
        """Return the class probabilities for a face and its onset, both uint8 (H, W, 3) in BGR order."""
        dataset_spec = self._model.spec.dataset
        image = represent(
            face,
            onset,
            representation=dataset_spec.representation,
            size=dataset_spec.image_size,
            flow=dataset_spec.flow,
        )
        if dataset_spec.representation != "flow":
            image = image[..., ::-1]
        batch = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]).to(self._model.device)
        # Copying the logits to the CPU waits for the device, so the measured time is complete.
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
    """Return frames per second end to end, and percentiles of milliseconds per frame for each stage.

    End to end means reading, face detection and classification, one frame at a time, without writing results
    and annotated copies. Frames without a prediction are left out.
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
    """Return the prediction as a row of the CSV and JSON files, with None for missing values."""
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
        "truth": None if prediction.truth is None else classes[prediction.truth],
        "part": prediction.part,
        "note": prediction.note,
        "milliseconds": 1000 * sum(prediction.stage_seconds),
        **{f"p_{name}": value for name, value in zip(classes, probabilities, strict=True)},
    }
