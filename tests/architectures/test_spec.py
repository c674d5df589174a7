from dataclasses import FrozenInstanceError, replace
from itertools import combinations

import pytest

from architectures.catalogue import CATALOGUE
from architectures.spec import COMPONENTS, ArchitectureSpec, BlockSpec, get_components, with_components
from tests.error_codes import raises_code


def test_default_is_vgg16_as_published() -> None:
    spec = ArchitectureSpec(name="x")
    assert spec.stages == ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
    assert (spec.norm, spec.head, spec.width, spec.pretrained) == ("none", "vgg", 1.0, False)
    assert spec.block == BlockSpec(
        convolution="standard", attention="none", activation="relu", residual=False
    )


def test_values_are_frozen_and_hashable() -> None:
    spec = ArchitectureSpec(name="x")
    with pytest.raises(FrozenInstanceError):
        spec.width = 2.0  # type: ignore[misc]
    assert hash(spec) == hash(ArchitectureSpec(name="x"))
    assert spec != replace(spec, block=BlockSpec(residual=True))


@pytest.mark.parametrize(
    ("part", "value", "code", "accepted"),
    [
        ("convolution", "depthwise", "architecture-option.unknown", "standard, separable"),
        ("attention", "se", "architecture-option.unknown", "none, cbam"),
        ("activation", "gelu", "architecture-option.unknown", "relu, prelu"),
        ("residual", 1, "residual.not-boolean", "true or false"),
    ],
)
def test_block_error_names_field_value_and_choices(
    part: str, value: str | int, code: str, accepted: str
) -> None:
    with raises_code(code, part, repr(value), accepted):
        BlockSpec(**{part: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [
        ("norm", "layer", "architecture-option.unknown"),
        ("head", "fc", "architecture-option.unknown"),
        ("width", 0, "width.range"),
        ("width", 4.5, "width.range"),
        ("width", float("nan"), "width.range"),
        ("stages", (), "stages.empty"),
        ("stages", ((2, 64), (0, 128)), "stages.empty"),
        ("stages", ((2, 0),), "stages.empty"),
    ],
)
def test_impossible_network_is_refused(
    part: str, value: str | float | tuple[tuple[int, int], ...], code: str
) -> None:
    with raises_code(code, value):
        ArchitectureSpec(name="x", **{part: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "part",
    [
        {"stages": ((1, 8),)},
        {"block": BlockSpec(attention="cbam")},
        {"norm": "batch"},
        {"head": "gap"},
    ],
)
def test_comparison_network_fixes_its_own_parts(
    part: dict[str, object],
) -> None:
    with raises_code("network.fixed-components", "resnet34"):
        ArchitectureSpec(name="x", network="resnet34", **part)  # type: ignore[arg-type]


def test_channels_scale_round_and_stay_positive() -> None:
    assert ArchitectureSpec(name="x").scale_channels(64) == 64
    assert ArchitectureSpec(name="x", width=0.25).scale_channels(64) == 16
    assert ArchitectureSpec(name="x", width=0.3).scale_channels(64) == 19
    assert ArchitectureSpec(name="x", width=0.001).scale_channels(64) == 1
    assert ArchitectureSpec(name="x", width=2).scale_channels(64) == 128


def test_components_of_every_combination_are_recovered() -> None:
    subsets = [subset for size in range(len(COMPONENTS) + 1) for subset in combinations(COMPONENTS, size)]
    specs = [with_components(subset, name="x") for subset in subsets]
    assert len(set(specs)) == 2 ** len(COMPONENTS)
    assert [get_components(spec) for spec in specs] == [frozenset(subset) for subset in subsets]


def test_no_component_is_vgg16_and_all_are_the_proposal() -> None:
    assert with_components((), name="vgg16") == CATALOGUE["vgg16"]
    assert with_components(COMPONENTS, name="proposed") == CATALOGUE["proposed"]
    assert CATALOGUE["proposed"].block.attention == "cbam"
    assert (CATALOGUE["proposed"].norm, CATALOGUE["proposed"].head) == ("batch", "gap")


def test_unknown_part_is_refused_with_the_list() -> None:
    with raises_code("component.unknown", "'senet'", *COMPONENTS):
        with_components(("cbam", "senet"), name="x")
