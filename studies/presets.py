"""Presets of a study: the paper's settings, and small ones that a CPU finishes in minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datasets.spec import DEFAULT_FLOW, MOTION_REPRESENTATIONS, AugmentationSpec, FlowSpec
from studies.errors import StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Image sides in pixels of an ablation and of a comparison (AlexNet needs 65), and training settings."""

    ablation_size: int
    comparison_size: int
    epochs: int
    width: float
    patience: int
    augmentation: AugmentationSpec


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
