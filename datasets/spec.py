"""Types that every data set shares: specifications, sample tables, splits and leakage."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datasets.errors import DatasetError
from datasets.text import one_line

ALIGNMENTS = ("none", "haar")
MOTION_REPRESENTATIONS = ("apex_minus_onset", "flow")
REPRESENTATIONS = ("frame", *MOTION_REPRESENTATIONS, "onset")
FLOW_METHODS = ("farneback", "tvl1")
STRAIN_FORMULAS = {
    "published": "√(u_x² + v_y² + ½(u_y + v_x)²) by central differences; Shreve et al., FG 2011; STSTNet, "
    "FG 2019",
    "forward": "the published formula by forward differences, the last row and column repeated; SOFTNet, "
    "ICIP 2021",
    "central_swapped": "the published formula with x and y swapped; mod-opticalStrain by Oliver-Parera, "
    "get_contours.py, without its smoothing",
    "sobel_swapped": "√(u_x² + v_y² + ½(u_y² + v_x²)) by Sobel's kernel / 8 with a border of zeros, x and y "
    "swapped; MEB by Varanka et al., extract_optical_flow.py",
}
"""Formulas of the optical strain in the field's papers and code; u_x is the derivative of u by x.

Code that takes the first axis of an array for x has x and y swapped: its u_x is the derivative by y.
"""

FLOW_SCALES = {"bytes": "uint8", "constant": "float16", "image": "float16"}
"""Type of the stored flow by its scale.

"bytes" divides each map by a fixed limit, clips and rounds to 8 bits. "constant" divides by the same limits
and does not clip. "image" divides each map of an image by its own largest magnitude.
"""

MIN_FLOW_SIZE, MAX_FLOW_SIZE = 16, 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """How the maps u, v and strain of the representation "flow" are computed and stored.

    `method` is one of `FLOW_METHODS`, `size` the side in pixels of the gray images whose flow is computed,
    `strain` one of `STRAIN_FORMULAS` and `scale` one of `FLOW_SCALES`. `DatasetSpec` checks the values.
    """

    method: str = "farneback"
    size: int = 224
    strain: str = "published"
    scale: str = "bytes"

    @property
    def dtype(self) -> str:
        """Type of the stored images."""
        return FLOW_SCALES[self.scale]

    @property
    def is_float(self) -> bool:
        """Whether the maps are stored as floats, where 0 is no motion, and not as the bytes of an image."""
        return self.dtype != "uint8"


DEFAULT_FLOW = FlowSpec()
"""The settings of every other representation, and those of "flow" before there was a choice."""


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
        flow: Settings of the representation "flow".

    Raises:
        DatasetError: A size is out of range, a name is unknown, or another representation has settings of
            "flow".
    """

    name: str
    frame_policy: str
    image_size: int
    alignment: str = "none"
    representation: str = "frame"
    classes: tuple[str, ...] = ()
    layout: str = ""
    flow: FlowSpec = DEFAULT_FLOW

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise DatasetError(
                "image-size.below-one", f"image size must be at least 1 pixel, got {self.image_size}"
            )
        for field_name, value, choices in (
            ("alignment", self.alignment, ALIGNMENTS),
            ("representation", self.representation, REPRESENTATIONS),
            ("flow method", self.flow.method, FLOW_METHODS),
            ("flow strain", self.flow.strain, STRAIN_FORMULAS),
            ("flow scale", self.flow.scale, FLOW_SCALES),
        ):
            if value not in choices:
                raise DatasetError(
                    "dataset-option.unknown",
                    f"unknown {field_name} {value!r}; accepted: {', '.join(choices)}",
                )
        if not MIN_FLOW_SIZE <= self.flow.size <= MAX_FLOW_SIZE:
            raise DatasetError(
                "flow-size.range",
                f"--flow-size must be from {MIN_FLOW_SIZE} to {MAX_FLOW_SIZE} pixels; got {self.flow.size}",
            )
        if self.flow != DEFAULT_FLOW and self.representation != "flow":
            raise DatasetError(
                "flow-option.without-flow",
                "the --flow options set how --representation flow is computed; got --representation "
                f"{self.representation}: add --representation flow, or leave the --flow options out",
            )

    def as_onset(self) -> DatasetSpec:
        """Return the spec of the onset frames of the same clips."""
        return replace(self, representation="onset", flow=DEFAULT_FLOW)

    def describe_representation(self) -> str:
        """Return the representation, with the settings of a flow in parentheses."""
        if self.representation != "flow":
            return self.representation
        flow = self.flow
        return f"flow ({flow.method} at {flow.size} px, strain {flow.strain}, scale {flow.scale})"


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
