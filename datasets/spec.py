"""What a data set is once it has been read: one table of samples, whatever lay on disk."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.oneline import one_line

ALIGNMENTS = ("none", "haar")
MOTION_REPRESENTATIONS = ("apex_minus_onset", "flow")
REPRESENTATIONS = ("frame", *MOTION_REPRESENTATIONS, "onset")
STRENGTHS = (1, 2, 3)
CORRUPTIONS = {
    "rotation": (10.0, 20.0, 30.0),
    "blur": (0.01, 0.02, 0.04),
    "noise": (0.05, 0.1, 0.2),
    "brightness": (0.7, 0.5, 0.3),
    "contrast": (0.7, 0.4, 0.2),
    "occlusion": (0.2, 0.35, 0.5),
}
"""Size of each corruption at each of `STRENGTHS`.

Rotation is in degrees, noise a standard deviation, brightness and contrast are factors, blur and occlusion
shares of the image's side.
"""

POSE_CORRUPTIONS, ILLUMINATION_CORRUPTIONS = ("rotation",), ("brightness", "contrast")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """Which data, which of its frames, and how they reach a network.

    `frames` names one of the data set's frame policies (`datasets.catalogue`); `image_size` is the side in
    pixels of the square every frame is resized to; `alignment` is "none" for sets that come aligned, "haar"
    for faces found by `datasets.faces`; `representation` is the frame itself, how it differs from its clip's
    onset, or the onset in its place (`datasets.pixels.represent`). `classes` and `layout` are () and "" for
    the set's usual ones.

    Raises:
        ValueError: an image size below 1, an unknown alignment or representation.
    """

    name: str
    frame_policy: str
    image_size: int
    alignment: str = "none"
    representation: str = "frame"
    classes: tuple[str, ...] = ()
    layout: str = ""

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise ValueError(f"image size must be at least 1 pixel, got {self.image_size}")
        for field_name, value, choices in (
            ("alignment", self.alignment, ALIGNMENTS),
            ("representation", self.representation, REPRESENTATIONS),
        ):
            if value not in choices:
                raise ValueError(f"unknown {field_name} {value!r}; accepted: {', '.join(choices)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationSpec:
    """Random changes to a training image: flip, rotation, scale, crop, and the four of colour.

    The paper names the eight and gives no ranges; these are ours: a
    micro-expression moves a face by a few hundredths of its side, so no change is much larger than that.
    A range r means a uniform draw: rotation in [-r, r] degrees, scale in [1-r, 1+r], crop as a shift of at
    most r of the side, brightness, contrast and saturation as factors in [1-r, 1+r], hue as a turn of at
    most r of the colour circle. `flip` is a probability.
    """

    flip: float = 0.5
    rotation: float = 3.0
    scale: float = 0.03
    crop: float = 0.02
    brightness: float = 0.1
    contrast: float = 0.1
    saturation: float = 0.1
    hue: float = 0.01


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where one image lies here: a file of its own (`item` -1), or image `item`, from 0, of a container."""

    path: str
    frame_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One image: a frame of one clip of one subject, labelled by the clip's emotion.

    `id` is unique in its table and the same on every machine; `path` and `item` say where the frame lies
    here, as in `Picture`; `label` indexes the table's classes; `subject` and `clip` are "" in a set that
    does not tell them; `frame` is the number in the clip; `role` is "onset", "apex", "offset" or "" for a
    frame between; `onset` is the clip's onset frame, None where the release does not hold it.
    """

    id: str
    path: str
    label: int
    subject: str
    clip: str
    frame_number: int
    role: str = ""
    frame_index: int = -1
    onset_ref: ImageRef | None = None

    @property
    def image_ref(self) -> ImageRef:
        """Where the frame lies."""
        return ImageRef(self.path, self.frame_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Something in the data that is not as it should be, and what was done about it.

    Each text is one line, whatever names it was made of.
    """

    code: str
    location: str
    description: str
    action: str

    def __post_init__(self) -> None:
        for field_name in ("code", "location", "description", "action"):
            object.__setattr__(self, field_name, one_line(getattr(self, field_name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTable:
    """Every sample of a data set under one frame policy, ordered by subject, clip and frame.

    `notes` say how it came about, each on one line; `layout` names the form of the release that was found;
    `aligned` says whether its faces come aligned; `complete_clips` and `complete_samples` are what a complete
    release holds of each class, () where that is not known; `usual_folds` is the number of the field's
    customary folds, 0 where there is no custom; `drawn` says that harness drew the faces, whatever layout
    they lie in.
    """

    dataset: str
    frame_policy: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    anomalies: tuple[Anomaly, ...] = ()
    notes: tuple[str, ...] = ()
    layout: str = ""
    is_aligned: bool = True
    expected_clip_counts: tuple[int, ...] = ()
    expected_sample_counts: tuple[int, ...] = ()
    standard_folds: int = 0
    synthetic: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(map(one_line, self.notes)))

    def count_per_class(self) -> tuple[int, ...]:
        """Number of samples of each class, in the order of `classes`."""
        counts = [0] * len(self.classes)
        for sample in self.samples:
            counts[sample.label] += 1
        return tuple(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Indices into a sample table: what is learned from, what chooses the epoch, what is read once."""

    protocol: str
    fold: int
    seed: int
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """Shares (0 to 1) of the test samples whose clip, and whose subject, are also in training.

    A share is None where it is unknown: a test or training sample does not name its clip, or its subject.
    """

    clip: float | None
    subject: float | None
