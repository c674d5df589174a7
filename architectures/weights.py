"""ImageNet weights for the comparison networks, read from a local file. Nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from architectures.baselines import get_baseline
from architectures.errors import ArchitectureError
from architectures.spec import BLOCK_NETWORK, VGG16_STAGES, ArchitectureSpec, BlockSpec


def _get_torchvision_name(spec: ArchitectureSpec) -> str:
    """Return torchvision's name of the network that has the same tensors as `spec`."""
    fields = (spec.stages, spec.block, spec.norm, spec.head, spec.width)
    if spec.network == BLOCK_NETWORK and fields == (VGG16_STAGES, BlockSpec(), "none", "vgg", 1.0):
        return "vgg16"
    if spec.network == BLOCK_NETWORK or get_baseline(spec.network).build:
        raise ArchitectureError(
            "pretrained-weights.none",
            f"no pretrained weights exist for {spec.name!r}: torchvision has them for VGG16 at width 1 and "
            "for its own networks; leave --pretrained out or choose the arms with --only",
        )
    return spec.network


def load_pretrained(network: nn.Module, spec: ArchitectureSpec) -> None:
    """Copy torchvision's default ImageNet weights into `network`, except those of the last layer.

    Raises:
        ArchitectureError: no weights exist for this architecture, the file is not in torch's hub folder (the
            message says how to get it), or the file holds weights of another network.
    """
    import torchvision.models  # imported here: see `architectures.baselines`

    name = _get_torchvision_name(spec)
    url = torchvision.models.get_model_weights(name).DEFAULT.url
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    if not file.is_file():
        raise ArchitectureError(
            "pretrained-weights.missing",
            f"pretrained weights of {name} are not on this machine: {file} does not exist; download {url} "
            "to that path, or leave --pretrained out",
        )
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        weights = {key: tensor.detach() for key, tensor in checkpoint.items()}
    except Exception as error:
        # On a damaged file torch's unpickler can raise almost any exception.
        raise ArchitectureError(
            "pretrained-weights.unreadable",
            f"{file} must hold the weights of {name}; it cannot be read ({type(error).__name__}): download "
            f"{url} to that path",
        ) from error
    state_dict = network.state_dict()
    if spec.network == BLOCK_NETWORK and len(weights) == len(state_dict):
        # Our VGG16 has torchvision's tensors in the same order, under other names.
        weights = dict(zip(state_dict, weights.values(), strict=True))
    last_layer = set(list(state_dict)[-2:])
    backbone_weights = {key: tensor for key, tensor in weights.items() if key not in last_layer}
    # Older files lack batch norm's step counters. With the default momentum they are not used.
    required_keys = [
        key for key in state_dict if key not in last_layer and not key.endswith("num_batches_tracked")
    ]
    missing_keys = [
        key
        for key in required_keys
        if key not in backbone_weights or backbone_weights[key].shape != state_dict[key].shape
    ]
    unexpected_keys = [key for key in backbone_weights if key not in state_dict]
    if missing_keys or unexpected_keys:
        raise ArchitectureError(
            "pretrained-weights.other-network",
            f"{file} must hold the weights of {name}; {_summarize(missing_keys)} missing or of another "
            f"shape, {_summarize(unexpected_keys)} unexpected: download {url} to that path",
        )
    network.load_state_dict(backbone_weights, strict=False)


def _summarize(names: list[str]) -> str:
    """Return the number of tensors and the first names."""
    return f"{len(names)} tensors ({', '.join(names[:3])})" if names else "no tensor"
