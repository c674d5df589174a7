"""Types that every data set shares: specifications, sample tables, splits and leakage."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.errors import DatasetError
from datasets.text import one_line

ALIGNMENTS = ("none", "haar")
MOTION_REPRESENTATIONS = ("apex_minus_onset", "flow")
REPRESENTATIONS = ("frame", *MOTION_REPRESENTATIONS, "onset")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """The data set, its frames, and how the frames are preprocessed.

    Attributes:
        name: A data set of `datasets.catalogue`.
        frame_policy: One of the data set's frame policies.
        image_size: Side, in pixels, of the square that every frame is resized to.
        alignment: "none" for data sets with aligned faces; "haar" to detect and crop faces
            (`datasets.faces`).
        representation: The frame, its difference from the clip's onset frame, or the onset frame itself
            (`datasets.preprocessing.representations`).
        classes: Classes to use; () for the default ones.
        layout: Layout of the release; "" for the preferred one.

    Raises:
        DatasetError: The image size is below 1, or the alignment or representation is unknown.
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
            raise DatasetError(
                "image-size.below-one", f"image size must be at least 1 pixel, got {self.image_size}"
            )
        for field_name, value, choices in (
            ("alignment", self.alignment, ALIGNMENTS),
            ("representation", self.representation, REPRESENTATIONS),
        ):
            if value not in choices:
                raise DatasetError(
                    "dataset-option.unknown",
                    f"unknown {field_name} {value!r}; accepted: {', '.join(choices)}",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationSpec:
    """Random changes of a training image: flip, rotation, scale, crop and four color changes.

    The paper lists these eight changes but gives no ranges; the defaults are this project's. They are small
    because a micro-expression moves a face by only a few hundredths of the image side.

    `flip` is a probability. The other fields are ranges r of a uniform distribution: rotation in [-r, r]
    degrees, scale in [1-r, 1+r], crop as a shift of at most r of the side, brightness, contrast and
    saturation as factors in [1-r, 1+r], and hue as a shift of at most r of the hue circle.
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
    """Location of one image: a file (`frame_index` -1), or image `frame_index`, from 0, of a container."""

    path: str
    frame_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One image: a frame of one clip of one subject, labeled with the emotion of the clip.

    Attributes:
        id: Identifier, unique in the table and the same on every machine.
        path: File or container that holds the frame on this machine.
        label: Index into the classes of the table.
        subject: Subject, or "" if the data set does not name it.
        clip: Clip, or "" if the data set does not name it.
        frame_number: Number of the frame in the clip.
        role: "onset", "apex" or "offset"; "" for other frames.
        frame_index: Index of the frame in a container, or -1, as in `ImageRef`.
        onset_ref: Onset frame of the clip, or None if the release lacks it.
        part: Data set of a composite that the sample belongs to; "" in other data sets.
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
    part: str = ""

    @property
    def image_ref(self) -> ImageRef:
        """Location of the frame."""
        return ImageRef(self.path, self.frame_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A defect of the data, and how it was handled.

    Every field is converted to one printable line.
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
    """All samples of a data set under one frame policy, ordered by subject, clip and frame.

    Attributes:
        notes: How the table was built, one line each.
        layout: Layout of the release that was read.
        is_aligned: Whether the release has aligned faces.
        aligned_parts: Parts of a composite with aligned faces; a face is detected in the others only.
        expected_clip_counts: Clips of each class in a complete release; () if unknown.
        expected_sample_counts: Samples of each class in a complete release; () if unknown.
        standard_folds: Number of folds that the literature uses; 0 if there is no such standard.
        synthetic: Whether the harness drew the faces, in any layout.
    """

    dataset: str
    frame_policy: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    anomalies: tuple[Anomaly, ...] = ()
    notes: tuple[str, ...] = ()
    layout: str = ""
    is_aligned: bool = True
    aligned_parts: tuple[str, ...] = ()
    expected_clip_counts: tuple[int, ...] = ()
    expected_sample_counts: tuple[int, ...] = ()
    standard_folds: int = 0
    synthetic: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(map(one_line, self.notes)))

    def count_per_class(self) -> tuple[int, ...]:
        """Return the number of samples of each class, in the order of `classes`."""
        counts = [0] * len(self.classes)
        for sample in self.samples:
            counts[sample.label] += 1
        return tuple(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Indices into a sample table for training, validation (which selects the epoch) and the final test."""

    protocol: str
    fold: int
    seed: int
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """Fractions (0 to 1) of the test samples whose clip, and whose subject, also occur in training.

    A fraction is None if a test or training sample does not name its clip or subject.
    """

    clip: float | None
    subject: float | None
