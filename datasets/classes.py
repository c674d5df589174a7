"""Which of a data set's classes a study uses."""

from __future__ import annotations

from collections.abc import Sequence


def chosen(
    asked: Sequence[str], *, usual: Sequence[str], accepted: Sequence[str], dataset: str
) -> tuple[str, ...]:
    """The classes asked for, in the set's own order; `usual` ones where none is.

    Raises:
        ValueError: an unknown class, or fewer than two.
    """
    unknown = [name for name in asked if name not in accepted]
    if unknown:
        raise ValueError(
            f"unknown class {', '.join(map(repr, unknown))} of {dataset}; accepted: {', '.join(accepted)}"
        )
    if len(set(asked)) == 1:
        raise ValueError(f"a study needs at least two classes of {dataset}; got {asked[0]} alone")
    return tuple(name for name in accepted if name in (asked or usual))
