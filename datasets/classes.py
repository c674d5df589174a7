"""Which of a data set's classes a study uses."""

from __future__ import annotations

from collections.abc import Sequence


def select_classes(
    names: Sequence[str], *, default: Sequence[str], choices: Sequence[str], dataset: str
) -> tuple[str, ...]:
    """The classes asked for, in the set's own order; `usual` ones where none is.

    Raises:
        ValueError: an unknown class, or fewer than two.
    """
    unknown = [name for name in names if name not in choices]
    if unknown:
        raise ValueError(
            f"unknown class {', '.join(map(repr, unknown))} of {dataset}; accepted: {', '.join(choices)}"
        )
    if len(set(names)) == 1:
        raise ValueError(f"a study needs at least two classes of {dataset}; got {names[0]} alone")
    return tuple(name for name in choices if name in (names or default))
