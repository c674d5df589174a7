"""The arms of a study, and the pairs of arms that it compares.

A design decides which combinations of the components of `architectures.spec` are arms: a ladder that
adds them in some order, the full network without one component, the base network with one component, or every
combination (Box, Hunter and Hunter, "Statistics for Experimenters", 2005, ch. 5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import combinations, pairwise

from architectures.catalogue import CATALOGUE, COMPARISON_NETWORKS, PROPOSED, get_architecture
from architectures.spec import (
    BLOCK_COMPONENTS,
    COMPONENTS,
    NETWORK_COMPONENTS,
    USER_NETWORK,
    ArchitectureSpec,
    get_components,
    with_components,
)
from studies.errors import StudyError
from studies.study import build_null_arm, is_null_arm, select_primary_arm

BASE_NAME = "vgg16-bn-gap"
FACTORIAL, PLACEBO = "factorial", "placebo"
PARAMETRIC_COMPONENTS = ("cbam", "residual", "prelu")
"""Components that add parameters. A placebo adds as many by a larger width (`harness.planning.placebo`)."""

Arms = tuple[ArchitectureSpec, ...]


def _build_rung(components: Collection[str]) -> ArchitectureSpec:
    """Return VGG16 with these components, under its catalogue name if it has one."""
    spec = with_components(components, name="")
    names = (entry.name for entry in CATALOGUE.values() if replace(entry, name="") == spec)
    active_components = [component for component in COMPONENTS if component in components]
    return replace(spec, name=next(names, " + ".join(("vgg16", *active_components))))


def _build_rungs(order: tuple[str, ...], *, base: Collection[str], residual_extras: Collection[str]) -> Arms:
    """Return the network with the components `base`, and one more rung per component of `order`.

    The rung that adds the residual connections also adds `residual_extras`.
    """
    active_components = set(base)
    rungs = [_build_rung(active_components)]
    for component in order:
        active_components |= {component, *(residual_extras if component == "residual" else ())}
        rungs.append(_build_rung(active_components))
    return tuple(rungs)


def _build_paper_ladder(order: tuple[str, ...]) -> Arms:
    """Return the paper's ladder, which starts at the published VGG16.

    Batch norm and the GAP head are added with the residual connections unless `order` contains them.
    """
    other_components = [component for component in NETWORK_COMPONENTS if component not in order]
    return _build_rungs(order, base=(), residual_extras=other_components)


def _build_controlled_ladder(order: tuple[str, ...]) -> Arms:
    """Return the ladder with batch norm and the GAP head in every rung, unless `order` contains them."""
    other_components = [component for component in NETWORK_COMPONENTS if component not in order]
    return _build_rungs(order, base=other_components, residual_extras=())


def _build_leave_one_out(order: tuple[str, ...]) -> Arms:
    """Return the proposed network, and the proposed network without each component in turn."""
    return _remove_components(
        (*order, *(component for component in NETWORK_COMPONENTS if component not in order))
    )


def _build_placebo(order: tuple[str, ...]) -> Arms:
    """Return the proposed network, and the same without each component that adds parameters.

    `harness.planning.placebo` adds the placebos.
    """
    return _remove_components(tuple(component for component in order if component in PARAMETRIC_COMPONENTS))


def _remove_components(components: tuple[str, ...]) -> Arms:
    variants = (
        with_components(set(COMPONENTS) - {component}, name=f"{PROPOSED} without {component}")
        for component in components
    )
    return (with_components(COMPONENTS, name=PROPOSED), *variants)


def _build_add_one_in(order: tuple[str, ...]) -> Arms:
    """Return the base network, VGG16 with batch norm and the GAP head, and its one-component variants.

    Each variant adds one component of the block, or removes batch norm or the GAP head.
    """
    base = with_components(NETWORK_COMPONENTS, name=BASE_NAME)
    additions = (
        with_components({component, *NETWORK_COMPONENTS}, name=f"{BASE_NAME} with {component}")
        for component in order
        if component in BLOCK_COMPONENTS
    )
    removals = (
        with_components(set(NETWORK_COMPONENTS) - {component}, name=f"{BASE_NAME} without {component}")
        for component in NETWORK_COMPONENTS
    )
    return (base, *additions, *removals)


def _build_factorial(order: tuple[str, ...]) -> Arms:
    """Return every combination of the block's components, each with batch norm and the GAP head."""
    components = [component for component in order if component in BLOCK_COMPONENTS]
    subsets = (subset for size in range(len(components) + 1) for subset in combinations(components, size))
    return tuple(
        with_components((*subset, *NETWORK_COMPONENTS), name=_name_combination(subset)) for subset in subsets
    )


def _name_combination(components: tuple[str, ...]) -> str:
    if len(components) == len(BLOCK_COMPONENTS):
        return PROPOSED
    return f"{BASE_NAME} with {', '.join(components)}" if components else BASE_NAME


DESIGNS: dict[str, Callable[[tuple[str, ...]], Arms]] = {
    "ladder": _build_paper_ladder,
    "controlled": _build_controlled_ladder,
    "leave-one-out": _build_leave_one_out,
    "add-one-in": _build_add_one_in,
    FACTORIAL: _build_factorial,
    PLACEBO: _build_placebo,
}
LADDER_DESIGNS = ("ladder", "controlled")


def build_ablation_arms(design: str, *, order: tuple[str, ...] = ()) -> Arms:
    """Return the arms of an ablation design. `order` lists the components; () means the paper's order.

    Raises:
        StudyError: the design or a component is unknown, a component is named twice, or the design does not
            vary it; the message lists the accepted names.
    """
    if design not in DESIGNS:
        raise StudyError("design.unknown", f"unknown design {design!r}; accepted: {', '.join(DESIGNS)}")
    unknown = [component for component in order if component not in COMPONENTS]
    if unknown or len(set(order)) < len(order):
        raise StudyError(
            "component-order.components",
            f"--order takes each component at most once, of {', '.join(COMPONENTS)}; "
            f"got {', '.join(order) or repr('')}",
        )
    if design == FACTORIAL and set(order) & set(NETWORK_COMPONENTS):
        raise StudyError(
            "component-order.factorial",
            "the factorial design has batch norm and the GAP head in every arm; --order takes of "
            f"{', '.join(BLOCK_COMPONENTS)}; got {', '.join(order)}",
        )
    if design == PLACEBO and set(order) - set(PARAMETRIC_COMPONENTS):
        raise StudyError(
            "component-order.placebo",
            "the placebo design varies only the components that add parameters; --order takes of "
            f"{', '.join(PARAMETRIC_COMPONENTS)}; got {', '.join(order)}",
        )
    return DESIGNS[design](order or tuple(BLOCK_COMPONENTS))


def build_comparison_arms(names: tuple[str, ...] = (), *, without: tuple[str, ...] = ()) -> Arms:
    """Return the catalogue entries called `names`, or the paper's seven networks if `names` is empty.

    The networks called `without` are left out.

    Raises:
        ArchitectureError: a name is not in the catalogue.
        StudyError: a network to leave out is not in the comparison, or no network remains.
    """
    arms = tuple(get_architecture(name) for name in names) or COMPARISON_NETWORKS
    arm_names = [arm.name for arm in arms]
    for name in without:
        if get_architecture(name).name not in arm_names:
            raise StudyError(
                "without.not-in-comparison",
                f"--without takes networks of the comparison, {', '.join(arm_names)}; got {name}: leave it "
                "out",
            )
    remaining_arms = tuple(arm for arm in arms if arm.name not in without)
    if not remaining_arms:
        raise StudyError(
            "without.everything",
            f"--without must leave a network in the comparison; got {', '.join(without)}",
        )
    return remaining_arms


def select_reference_arm(arms: Arms, *, design: str) -> ArchitectureSpec:
    """Return the arm that the others are compared with.

    In an ablation it is the first arm, in a comparison the proposed network, or else the first arm.
    """
    return arms[0] if design else select_primary_arm(arms)


def build_pairs(arms: Arms, *, design: str) -> tuple[tuple[ArchitectureSpec, ArchitectureSpec], ...]:
    """Return the family of comparisons of a study, as pairs (before, after).

    In a ladder each rung is compared with the rung before it. The components of a factorial have effects
    instead of pairs. In every other study each arm is compared with the reference arm
    (`select_reference_arm`). In a comparison the reference is `after`. In an ablation it is `after` if the
    arm lacks some of its components. The difference is then a gain.

    A user network is always `after` the reference, so that the verdict is about the user network. In a ladder
    and in a factorial its reference is the proposed network, or the last arm of the design if the design does
    not contain the proposed network. The null arm is in no pair: see `find_null_pair`.
    """
    arms = tuple(arm for arm in arms if not is_null_arm(arm))
    user_arms = [arm for arm in arms if arm.network == USER_NETWORK]
    design_arms = [arm for arm in arms if arm not in user_arms]
    if design in LADDER_DESIGNS or design == FACTORIAL:
        steps = pairwise(design_arms) if design in LADDER_DESIGNS else ()
        final_arm = next((arm for arm in design_arms if arm.name == PROPOSED), design_arms[-1])
        return (*steps, *((final_arm, arm) for arm in user_arms))
    reference_arm = select_reference_arm(arms, design=design)
    other_arms = [arm for arm in arms if arm is not reference_arm]
    precedes_reference = [
        arm not in user_arms and (not design or get_components(arm) < get_components(reference_arm))
        for arm in other_arms
    ]
    return tuple(
        (arm, reference_arm) if is_earlier else (reference_arm, arm)
        for arm, is_earlier in zip(other_arms, precedes_reference, strict=True)
    )


def find_null_pair(arms: Arms) -> tuple[ArchitectureSpec, ArchitectureSpec] | None:
    """Return the arm that the null arm repeats, and the null arm; None if there is no null arm."""
    null_arm = next((arm for arm in arms if is_null_arm(arm)), None)
    return next(((arm, null_arm) for arm in arms if null_arm and build_null_arm(arm) == null_arm), None)
