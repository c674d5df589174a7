"""Which architectures a study sets side by side: the designs of an ablation, the field of a comparison."""

from __future__ import annotations

from architectures.catalogue import COMPARISON, CONTROLLED, LADDER, architecture
from architectures.spec import ArchitectureSpec

DESIGNS: dict[str, tuple[ArchitectureSpec, ...]] = {"ladder": LADDER, "controlled": CONTROLLED}


def ablation(design: str) -> tuple[ArchitectureSpec, ...]:
    """The arms of an ablation design, in the order in which parts are added.

    Raises:
        ValueError: no such design; the message lists them.
    """
    if design not in DESIGNS:
        raise ValueError(f"unknown design {design!r}; accepted: {', '.join(DESIGNS)}")
    return DESIGNS[design]


def comparison(only: tuple[str, ...] = ()) -> tuple[ArchitectureSpec, ...]:
    """The paper's seven networks, or the catalogue's entries named by `only`.

    Raises:
        ValueError: a name that the catalogue does not hold.
    """
    return tuple(architecture(name) for name in only) or COMPARISON
