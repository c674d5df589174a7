"""Two sizes of study: the paper's, and one that a machine without a GPU finishes in minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datasets.spec import MOTION_REPRESENTATIONS, AugmentationSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Image side in pixels for an ablation and for a comparison (AlexNet needs 65), and the training."""

    ablation_size: int
    comparison_size: int
    epochs: int
    width: float
    patience: int
    augmentation: AugmentationSpec


GENTLE_AUGMENTATION = AugmentationSpec(
    flip=0.0, rotation=1.0, scale=0.01, crop=0.01, brightness=0.05, contrast=0.05, saturation=0.05, hue=0.005
)
"""For a few hundred training steps: too few to learn a face's mirror image and its turns as well."""

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


def adapt_augmentation(augmentation: AugmentationSpec, representation: str) -> AugmentationSpec:
    """The changes that make sense for an image of motion: it has no colours, and a flow has directions."""
    if representation not in MOTION_REPRESENTATIONS:
        return augmentation
    motion_augmentation = replace(augmentation, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    return replace(motion_augmentation, flip=0.0) if representation == "flow" else motion_augmentation


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: no such preset; the message lists them.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; accepted: {', '.join(PRESETS)}")
    return PRESETS[name]
