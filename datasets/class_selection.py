"""Select the classes that a study uses."""

from __future__ import annotations

from collections.abc import Sequence

from datasets.errors import DatasetError


def select_classes(
    names: Sequence[str], *, default: Sequence[str], choices: Sequence[str], dataset: str
) -> tuple[str, ...]:
    """Return the selected classes in the order of `choices`, or `default` ones if `names` is empty.

    Raises:
        DatasetError: A class is unknown, or only one class is named.
    """
    unknown = [name for name in names if name not in choices]
    if unknown:
        raise DatasetError(
            "class.unknown",
            f"unknown class {', '.join(map(repr, unknown))} of {dataset}; accepted: {', '.join(choices)}",
        )
    if len(set(names)) == 1:
        raise DatasetError(
            "class.too-few", f"a study needs at least two classes of {dataset}; got {names[0]} alone"
        )
    return tuple(name for name in choices if name in (names or default))
