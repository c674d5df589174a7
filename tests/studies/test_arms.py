import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from architectures.catalogue import CONTROLLED_LADDER, LADDER
from architectures.spec import BLOCK_COMPONENTS, COMPONENTS, USER_NETWORK, ArchitectureSpec, get_components
from studies.arms import (
    DESIGNS,
    PARAMETRIC_COMPONENTS,
    build_ablation_arms,
    build_comparison_arms,
    build_pairs,
    find_null_pair,
    select_reference_arm,
)
from studies.study import build_null_arm
from tests.error_codes import raises_code

OWN = ArchitectureSpec(name="mine", network=USER_NETWORK)


def names(arms: Sequence[ArchitectureSpec]) -> list[str]:
    return [arm.name for arm in arms]


def test_two_ladders_are_the_catalogues() -> None:
    assert build_ablation_arms("ladder") == LADDER
    assert build_ablation_arms("controlled") == CONTROLLED_LADDER


@pytest.mark.parametrize("design", DESIGNS)
def test_designs_have_a_reference_and_unique_networks(design: str) -> None:
    arms = build_ablation_arms(design)
    assert {"proposed", "vgg16-bn-gap"} & set(names(arms))
    assert len({replace(arm, name="") for arm in arms}) == len(arms) == len(set(names(arms)))


def test_ladder_in_another_order_adds_one_component_per_rung() -> None:
    order = ("gap-head", "prelu", "batch-norm", "residual")
    rungs = [get_components(arm) for arm in build_ablation_arms("ladder", order=order)]
    assert [after - before for before, after in itertools.pairwise(rungs)] == [{p} for p in order]


def test_components_outside_the_order_by_design() -> None:
    ladder = [
        get_components(arm)
        for arm in build_ablation_arms("ladder", order=("batch-norm", "prelu", "residual"))
    ]
    assert ladder[-1] - ladder[-2] == {"residual", "gap-head"}
    controlled = [
        get_components(arm) for arm in build_ablation_arms("controlled", order=("batch-norm", "prelu"))
    ]
    assert controlled == [{"gap-head"}, {"gap-head", "batch-norm"}, {"gap-head", "batch-norm", "prelu"}]


def test_leave_one_out_removes_every_component() -> None:
    full, *others = build_ablation_arms("leave-one-out")
    assert full.name == "proposed"
    assert {next(iter(get_components(full) - get_components(arm))) for arm in others} == set(COMPONENTS)
    assert names(others)[-2:] == ["proposed without batch-norm", "proposed without gap-head"]


def test_factorial_is_every_combination_with_batch_norm_and_the_gap_head() -> None:
    arms = build_ablation_arms("factorial")
    assert len(arms) == 16
    assert {get_components(arm) & {"batch-norm", "gap-head"} for arm in arms} == {
        frozenset({"batch-norm", "gap-head"})
    }
    assert names(build_ablation_arms("factorial", order=("cbam",))) == [
        "vgg16-bn-gap",
        "vgg16-bn-gap with cbam",
    ]


def test_only_the_ladder_compares_neighbours() -> None:
    arms = build_ablation_arms("ladder")
    assert build_pairs(arms, design="ladder") == tuple(itertools.pairwise(arms))
    assert build_pairs(build_ablation_arms("factorial"), design="factorial") == ()


@pytest.mark.parametrize("design", DESIGNS)
def test_user_network_is_compared_with_the_reference(design: str) -> None:
    arms = build_ablation_arms(design)
    *others, last = build_pairs((*arms, OWN), design=design)
    assert tuple(others) == build_pairs(arms, design=design)
    assert names(last) == ["vgg16-bn-gap" if design == "add-one-in" else "proposed", "mine"]


@pytest.mark.parametrize("design", DESIGNS)
def test_null_arm_is_compared_only_with_its_original(design: str) -> None:
    arms = build_ablation_arms(design)
    null = build_null_arm(arms[-1])
    assert build_pairs((*arms, null), design=design) == build_pairs(arms, design=design)
    assert find_null_pair((*arms, null)) == (arms[-1], null)
    assert find_null_pair(arms) is None


@pytest.mark.parametrize("design", ["ladder", "controlled", "factorial"])
def test_user_network_is_compared_with_the_last_arm(design: str) -> None:
    arms = build_ablation_arms(design, order=("cbam", "prelu"))
    assert "proposed" not in names(arms)
    assert build_pairs((*arms, OWN), design=design)[-1] == (arms[-1], OWN)


def test_pairs_measure_a_component_or_the_proposal() -> None:
    full = build_ablation_arms("leave-one-out")
    assert {after.name for _, after in build_pairs(full, design="leave-one-out")} == {"proposed"}
    base = build_ablation_arms("add-one-in")
    for before, after in build_pairs(base, design="add-one-in"):
        assert get_components(before) < get_components(after)
    seven = build_comparison_arms()
    assert [after.name for _, after in build_pairs(seven, design="")] == ["proposed"] * 6


def test_first_network_is_the_reference_without_the_proposal() -> None:
    arms = build_comparison_arms(("resnet34", "vgg16"))
    assert select_reference_arm(arms, design="").name == "resnet34"


@pytest.mark.parametrize(
    ("design", "order", "code", "accepted"),
    [
        ("staircase", (), "design.unknown", DESIGNS),
        ("ladder", ("cbam", "cbam"), "component-order.components", COMPONENTS),
        ("ladder", ("senet",), "component-order.components", COMPONENTS),
        ("factorial", ("batch-norm",), "component-order.factorial", BLOCK_COMPONENTS),
        ("placebo", ("separable",), "component-order.placebo", PARAMETRIC_COMPONENTS),
    ],
)
def test_impossible_design_error_lists_accepted_ones(
    design: str,
    order: tuple[str, ...],
    code: str,
    accepted: Iterable[str],
) -> None:
    with raises_code(code, ", ".join(order) or repr(design), *accepted):
        build_ablation_arms(design, order=order)


def test_comparison_is_the_papers_seven() -> None:
    assert names(build_comparison_arms()) == [
        "vgg16",
        "alexnet",
        "resnet34",
        "efficientnet-b0",
        "shufflenetv2",
        "mobilenetv3-large",
        "proposed",
    ]


def test_comparison_has_the_named_networks_in_order() -> None:
    assert names(build_comparison_arms(("resnet34", "vgg16"))) == ["resnet34", "vgg16"]


def test_unknown_network_is_refused_with_the_list() -> None:
    with raises_code("architecture.unknown", "'resnet999'", "vgg16", "proposed"):
        build_comparison_arms(("vgg16", "resnet999"))


def test_networks_are_left_out_of_a_comparison() -> None:
    seven = names(build_comparison_arms())
    assert names(build_comparison_arms(without=("alexnet", "vgg16"))) == [
        name for name in seven if name not in ("alexnet", "vgg16")
    ]


@pytest.mark.parametrize(
    ("only", "without", "code"),
    [
        ((), ("vgg16-bn-gap",), "without.not-in-comparison"),
        ((), ("vgg",), "architecture.unknown"),
        (("vgg16",), ("vgg16",), "without.everything"),
    ],
)
def test_only_networks_of_the_comparison_are_left_out(
    only: tuple[str, ...], without: tuple[str, ...], code: str
) -> None:
    with raises_code(code, *without):
        build_comparison_arms(only, without=without)
