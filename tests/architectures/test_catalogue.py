"""Tests that run on every entry of the architecture catalogue."""

from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from architectures.catalogue import (
    CATALOGUE,
    COMPARISON_NETWORKS,
    CONTROLLED_LADDER,
    LADDER,
    get_architecture,
    min_image_size,
    with_width,
)
from architectures.network import build_network
from architectures.spec import ArchitectureSpec
from studies.codec import from_json, to_json
from studies.presets import PRESETS
from tests.error_codes import raises_code

EVERY = pytest.mark.parametrize("name", CATALOGUE)
NARROW = 1 / 8
SCALABLE = [name for name, spec in CATALOGUE.items() if with_width(spec, NARROW) != spec]


def quick_size(spec: ArchitectureSpec) -> int:
    quick = PRESETS["quick"]
    return quick.ablation_size if min_image_size(spec) <= quick.ablation_size else quick.comparison_size


def images(count: int, size: int) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(size))


def build_narrow(name: str) -> tuple[ArchitectureSpec, nn.Module]:
    spec = with_width(get_architecture(name), NARROW)
    torch.manual_seed(7)
    return spec, build_network(spec, num_classes=6)


@EVERY
@torch.inference_mode()
def test_any_image_size_and_number_of_classes_give_one_logit_a_class_at_full_width(name: str) -> None:
    spec = get_architecture(name)
    smallest = min_image_size(spec)
    assert smallest <= PRESETS["quick"].comparison_size
    with torch.device("meta"):  # shapes without values
        for size, classes in ((smallest, 2), (224, 1000)):
            network = build_network(spec, num_classes=classes).eval()
            assert network(torch.empty(1, 3, size, size)).shape == (1, classes)


@EVERY
@torch.inference_mode()
def test_the_smallest_image_gives_finite_logits(name: str) -> None:
    spec, network = build_narrow(name)
    assert network.eval()(images(1, min_image_size(spec))).isfinite().all()


@torch.inference_mode()
def test_the_proposed_network_at_its_full_size_gives_finite_logits() -> None:
    torch.manual_seed(0)
    network = build_network(get_architecture("proposed"), num_classes=6).eval()
    assert network(images(1, 224)).isfinite().all()


@pytest.mark.parametrize("name", SCALABLE)
def test_one_pixel_less_than_the_smallest_input_fails(name: str) -> None:
    spec, network = build_narrow(name)
    with torch.inference_mode(), pytest.raises(RuntimeError, match="Output size is too small"):
        network.eval()(images(1, min_image_size(spec) - 1))


@EVERY
def test_one_training_step_reaches_every_parameter(name: str) -> None:
    spec, network = build_narrow(name)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    before = {key: parameter.detach().clone() for key, parameter in network.named_parameters()}
    loss = torch.nn.functional.cross_entropy(network(images(2, quick_size(spec))), torch.tensor([0, 5]))
    loss.backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
    optimizer.step()
    after = dict(network.named_parameters())
    first, *_, last = before
    assert not torch.equal(after[first], before[first])
    assert not torch.equal(after[last], before[last])
    assert all(parameter.isfinite().all() for parameter in after.values())


@EVERY
@torch.inference_mode()
def test_eval_is_deterministic_and_accepts_one_image(name: str) -> None:
    spec, network = build_narrow(name)
    batch = images(3, quick_size(spec))
    network.eval()
    outputs = network(batch)
    assert torch.equal(network(batch), outputs)
    torch.testing.assert_close(network(batch[:1]), outputs[:1], rtol=1e-4, atol=1e-5)


@EVERY
def test_saved_weights_give_equal_outputs_in_a_new_network(name: str, tmp_path: Path) -> None:
    spec, network = build_narrow(name)
    batch = images(2, quick_size(spec))
    network.train()(batch)  # so that batch norm's buffers differ from their initial values
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    torch.manual_seed(8)
    reloaded = build_network(spec, num_classes=6).eval()
    with torch.inference_mode():
        expected = network.eval()(batch)
        assert not torch.equal(reloaded(batch), expected)
        reloaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
        assert torch.equal(reloaded(batch), expected)


@EVERY
def test_spec_survives_json_round_trip(name: str) -> None:
    for spec in (
        get_architecture(name),
        replace(with_width(get_architecture(name), NARROW), pretrained=True),
    ):
        assert from_json(ArchitectureSpec, to_json(spec)) == spec


@pytest.mark.parametrize("name", SCALABLE)
def test_eighth_of_the_width_leaves_about_a_64th_of_the_parameters(name: str) -> None:
    spec = get_architecture(name)
    assert with_width(spec, NARROW) == replace(spec, width=NARROW)
    with torch.device("meta"):
        counts = [
            sum(parameter.numel() for parameter in build_network(variant, num_classes=6).parameters())
            for variant in (with_width(spec, NARROW), spec)
        ]
    assert NARROW**2 < counts[0] / counts[1] < 2 * NARROW**2


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in SCALABLE])
def test_torchvisions_networks_stay_at_full_width(name: str) -> None:
    spec = get_architecture(name)
    assert with_width(spec, NARROW) is spec
    with raises_code("network.width", spec.network, NARROW):
        build_network(replace(spec, width=NARROW), num_classes=6)


def components(spec: ArchitectureSpec) -> dict[str, object]:
    """Return every field of a spec and of its block by name, except the name of the architecture."""
    flat = asdict(spec)
    flat.pop("name")
    return {**flat.pop("block"), **flat}


def diff_components(former: ArchitectureSpec, latter: ArchitectureSpec) -> dict[str, object]:
    before, after = components(former), components(latter)
    return {part: after[part] for part in before if before[part] != after[part]}


def test_ladder_adds_components_in_the_papers_order() -> None:
    assert LADDER[0] == ArchitectureSpec(name="vgg16")
    assert [diff_components(former, latter) for former, latter in pairwise(LADDER)] == [
        {"attention": "cbam"},
        {"residual": True, "norm": "batch", "head": "gap"},
        {"convolution": "separable"},
        {"activation": "prelu"},
    ]


def test_controlled_rungs_change_one_component() -> None:
    assert (CONTROLLED_LADDER[0].norm, CONTROLLED_LADDER[0].head) == ("batch", "gap")
    assert [diff_components(former, latter) for former, latter in pairwise(CONTROLLED_LADDER)] == [
        {"attention": "cbam"},
        {"residual": True},
        {"convolution": "separable"},
        {"activation": "prelu"},
    ]


def test_both_ladders_end_in_the_same_three_rungs() -> None:
    assert LADDER[2:] == CONTROLLED_LADDER[2:]
    assert LADDER[-1].name == "proposed"


def test_name_lists_the_components() -> None:
    for spec in {*LADDER[:-1], *CONTROLLED_LADDER[:-1]}:
        base, *added = spec.name.split("+")
        assert base == ("vgg16-bn-gap" if spec.head == "gap" and not spec.block.residual else "vgg16")
        has_components = (
            spec.block.attention == "cbam",
            spec.block.residual,
            spec.block.convolution == "separable",
        )
        assert has_components == ("cbam" in added, "residual" in added, "separable" in added)


def test_catalogue_networks_and_names_are_unique() -> None:
    assert all(name == spec.name for name, spec in CATALOGUE.items())
    assert {*LADDER, *CONTROLLED_LADDER, *COMPARISON_NETWORKS} <= set(CATALOGUE.values())
    assert len({to_json(components(spec)) for spec in CATALOGUE.values()}) == len(CATALOGUE)


def test_unknown_name_error_lists_known_names() -> None:
    with raises_code("architecture.unknown", "'vgg19'", *CATALOGUE):
        get_architecture("vgg19")
