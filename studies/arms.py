"""Which architectures a study sets side by side, and which of them are set against which.

A design is a way to walk through the parts of `architectures.parts`: up a ladder in some order, the whole
less one part, the bare network and one part, or every combination (Box, Hunter and Hunter, "Statistics for
Experimenters", 2005, ch. 5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import combinations, pairwise

from architectures.catalogue import CATALOGUE, COMPARISON, PROPOSED, architecture
from architectures.parts import BLOCK_PARTS, NETWORK_PARTS, PARTS, parts_of, with_parts
from architectures.spec import USER, ArchitectureSpec
from studies.spec import is_null, null_of

BARE = "vgg16-bn-gap"
FACTORIAL, PLACEBO = "factorial", "placebo"
GROWING = ("cbam", "residual", "prelu")
"""Parts that bring parameters; a placebo spends as many on width (`harness.training.placebo`)."""

Arms = tuple[ArchitectureSpec, ...]


def _rung(parts: Collection[str]) -> ArchitectureSpec:
    """VGG16 with these parts, under the catalogue's name where it has one."""
    spec = with_parts(parts, name="")
    known = (found.name for found in CATALOGUE.values() if replace(found, name="") == spec)
    on = [part for part in PARTS if part in parts]
    return replace(spec, name=next(known, " + ".join(("vgg16", *on))))


def _climb(order: tuple[str, ...], *, at_the_foot: Collection[str], with_residual: Collection[str]) -> Arms:
    """One rung a part, from `at_the_foot` on; the skip connections bring `with_residual` along."""
    on = set(at_the_foot)
    rungs = [_rung(on)]
    for part in order:
        on |= {part, *(with_residual if part == "residual" else ())}
        rungs.append(_rung(on))
    return tuple(rungs)


def _ladder(order: tuple[str, ...]) -> Arms:
    """From VGG16 as published; batch norm and the GAP head come with the skips if the order has them not."""
    unnamed = [part for part in NETWORK_PARTS if part not in order]
    return _climb(order, at_the_foot=(), with_residual=unnamed)


def _controlled(order: tuple[str, ...]) -> Arms:
    """The same with batch norm and the GAP head in every rung, save where the order gives them one."""
    unnamed = [part for part in NETWORK_PARTS if part not in order]
    return _climb(order, at_the_foot=unnamed, with_residual=())


def _leave_one_out(order: tuple[str, ...]) -> Arms:
    """The proposed network, and it without each part in turn."""
    return _less((*order, *(part for part in NETWORK_PARTS if part not in order)))


def _placebo(order: tuple[str, ...]) -> Arms:
    """The proposed network, and it without each part that brings parameters; their placebos join later."""
    return _less(tuple(part for part in order if part in GROWING))


def _less(parts: tuple[str, ...]) -> Arms:
    without = (with_parts(set(PARTS) - {part}, name=f"{PROPOSED} without {part}") for part in parts)
    return (with_parts(PARTS, name=PROPOSED), *without)


def _add_one_in(order: tuple[str, ...]) -> Arms:
    """VGG16 with batch norm and GAP head; it with each part of the block; it without each of those two."""
    base = with_parts(NETWORK_PARTS, name=BARE)
    added = (
        with_parts({part, *NETWORK_PARTS}, name=f"{BARE} with {part}")
        for part in order
        if part in BLOCK_PARTS
    )
    removed = (
        with_parts(set(NETWORK_PARTS) - {part}, name=f"{BARE} without {part}") for part in NETWORK_PARTS
    )
    return (base, *added, *removed)


def _factorial(order: tuple[str, ...]) -> Arms:
    """Every combination of the block's parts, batch norm and the GAP head in all."""
    parts = [part for part in order if part in BLOCK_PARTS]
    chosen = (found for size in range(len(parts) + 1) for found in combinations(parts, size))
    return tuple(with_parts((*found, *NETWORK_PARTS), name=_combination(found)) for found in chosen)


def _combination(parts: tuple[str, ...]) -> str:
    if len(parts) == len(BLOCK_PARTS):
        return PROPOSED
    return f"{BARE} with {', '.join(parts)}" if parts else BARE


DESIGNS: dict[str, Callable[[tuple[str, ...]], Arms]] = {
    "ladder": _ladder,
    "controlled": _controlled,
    "leave-one-out": _leave_one_out,
    "add-one-in": _add_one_in,
    FACTORIAL: _factorial,
    PLACEBO: _placebo,
}
LADDERS = ("ladder", "controlled")


def ablation(design: str, *, order: tuple[str, ...] = ()) -> Arms:
    """The arms of an ablation design, its parts taken in `order`, which is the paper's if none is given.

    Raises:
        ValueError: no such design or part, or a part named twice; the message lists what there is.
    """
    if design not in DESIGNS:
        raise ValueError(f"unknown design {design!r}; accepted: {', '.join(DESIGNS)}")
    unknown = [part for part in order if part not in PARTS]
    if unknown or len(set(order)) < len(order):
        raise ValueError(
            f"--order takes each part at most once, of {', '.join(PARTS)}; got {', '.join(order) or repr('')}"
        )
    if design == FACTORIAL and set(order) & set(NETWORK_PARTS):
        raise ValueError(
            "the factorial design has batch norm and the GAP head in every arm; --order takes of "
            f"{', '.join(BLOCK_PARTS)}; got {', '.join(order)}"
        )
    if design == PLACEBO and set(order) - set(GROWING):
        raise ValueError(
            "the placebo design is about the parts that bring parameters; --order takes of "
            f"{', '.join(GROWING)}; got {', '.join(order)}"
        )
    return DESIGNS[design](order or tuple(BLOCK_PARTS))


def comparison(only: tuple[str, ...] = ()) -> Arms:
    """The paper's seven networks, or the catalogue's entries named by `only`.

    Raises:
        ValueError: a name that the catalogue does not hold.
    """
    return tuple(architecture(name) for name in only) or COMPARISON


def reference(arms: Arms, *, design: str) -> ArchitectureSpec:
    """The arm that the others are set against: the first of an ablation, the proposed network else."""
    proposed = (arm for arm in arms if arm.name == PROPOSED)
    return arms[0] if design else next(proposed, arms[0])


def pairs(arms: Arms, *, design: str) -> tuple[tuple[ArchitectureSpec, ArchitectureSpec], ...]:
    """(before, after), the family of comparisons of a study.

    Up a ladder each rung stands against the one before; the parts of a factorial have effects instead. Else
    every arm stands against the reference: before it in a comparison and where the arm lacks a part of the
    reference, so that a gain is always the proposal's or the part's. A network of the user's own is no rung
    and no combination of parts: it stands after the reference, so that the verdict is about the user's
    network. Up a ladder and in a factorial that reference is the proposed network, or the last of theirs if
    they do not come to it. The null arm is in no family: see `null_pair`.
    """
    arms = tuple(arm for arm in arms if not is_null(arm))
    own = [arm for arm in arms if arm.network == USER]
    parted = [arm for arm in arms if arm not in own]
    if design in LADDERS or design == FACTORIAL:
        steps = pairwise(parted) if design in LADDERS else ()
        whole = next((arm for arm in parted if arm.name == PROPOSED), parted[-1])
        return (*steps, *((whole, arm) for arm in own))
    against = reference(arms, design=design)
    others = [arm for arm in arms if arm is not against]
    lesser = [arm not in own and (not design or parts_of(arm) < parts_of(against)) for arm in others]
    return tuple((arm, against) if less else (against, arm) for arm, less in zip(others, lesser, strict=True))


def null_pair(arms: Arms) -> tuple[ArchitectureSpec, ArchitectureSpec] | None:
    """The arm that the null arm repeats, and the null arm; None without one."""
    null = next((arm for arm in arms if is_null(arm)), None)
    return next(((arm, null) for arm in arms if null and null_of(arm) == null), None)
