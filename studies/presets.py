"""Presets of a study: the paper's settings, and two small ones that a CPU finishes in minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datasets.spec import DEFAULT_FLOW, MOTION_REPRESENTATIONS, AugmentationSpec, FlowSpec
from studies.errors import StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings of a study for which its request names no others.

    Attributes:
        ablation_size: Image side of an ablation, in pixels.
        comparison_size: Image side of a comparison, in pixels; AlexNet needs 65.
        epochs: Maximum number of epochs.
        width: Factor of every channel count.
        patience: Epochs without improvement after which a training stops.
        augmentation: Random changes of training images.
        learning_rate: Learning rate of Adam.
        dataset: Data set that stands for the synthetic one; "" for none.
        networks: Networks of a comparison; () for the paper's seven.
        protocols: Split protocols.
        seeds: Number of trainings on each split.
        purpose: What the settings were chosen for, if they were chosen for an effect; otherwise "".
    """

    ablation_size: int
    comparison_size: int
    epochs: int
    width: float
    patience: int
    augmentation: AugmentationSpec
    learning_rate: float = 1e-3
    dataset: str = ""
    networks: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("frame",)
    seeds: int = 1
    purpose: str = ""


GENTLE_AUGMENTATION = AugmentationSpec(
    flip=0.0, rotation=1.0, scale=0.01, crop=0.01, brightness=0.05, contrast=0.05, saturation=0.05, hue=0.005
)
"""Augmentation for a few hundred training steps, too few to learn flipped and strongly rotated faces too."""

PRESETS = {
    "paper": Preset(
        ablation_size=224,
        comparison_size=224,
        epochs=100,
        width=1.0,
        patience=10,
        augmentation=AugmentationSpec(),
    ),
    "quick": Preset(
        ablation_size=32,
        comparison_size=72,
        epochs=18,
        width=0.25,
        patience=10,
        augmentation=GENTLE_AUGMENTATION,
    ),
    "demo": Preset(
        ablation_size=32,
        comparison_size=32,
        epochs=14,
        width=0.125,
        patience=5,
        augmentation=GENTLE_AUGMENTATION,
        learning_rate=5e-3,
        dataset="leaky",
        networks=("vgg16", "vgg16-bn-gap", "proposed"),
        protocols=("frame", "subject"),
        seeds=5,
        purpose=(
            "The synthetic faces and the settings of the preset demo are chosen so that three effects show: "
            "VGG16 collapses, the proposed network gains over it, and the accuracy falls on unseen people. "
            "Each person shows one emotion only, so a network that recognizes the person knows the class. "
            "The learning rate is five times that of the other presets."
        ),
    ),
}


def adapt_augmentation(
    augmentation: AugmentationSpec, representation: str, *, flow: FlowSpec = DEFAULT_FLOW
) -> AugmentationSpec:
    """Return the augmentation that fits a representation.

    Images of motion have no colors to change. A flip of a flow must also negate u:
    `datasets.augment.augment_flow` does so for float maps, but bytes change as an image does, so they are not
    flipped.
    """
    if representation not in MOTION_REPRESENTATIONS:
        return augmentation
    motion_augmentation = replace(augmentation, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    is_byte_flow = representation == "flow" and not flow.is_float
    return replace(motion_augmentation, flip=0.0) if is_byte_flow else motion_augmentation


def get_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        StudyError: there is no such preset; the message lists all names.
    """
    if name not in PRESETS:
        raise StudyError("preset.unknown", f"unknown preset {name!r}; accepted: {', '.join(PRESETS)}")
    return PRESETS[name]


def get_purpose(name: str) -> str:
    """Return what the settings of a preset were chosen for; "" if for no effect, or without such a preset."""
    return PRESETS[name].purpose if name in PRESETS else ""
