"""Select the classes that a study uses: emotions of a data set, or a named choice that can merge them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from datasets.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScheme:
    """The classes of a study, and the class of each emotion.

    Attributes:
        classes: The classes in label order.
        emotions: Class of each emotion; clips of an emotion that is not in it are left out.
        excluded_clips: Clips (subject and name) that are left out although their emotion is in `emotions`.
    """

    classes: tuple[str, ...]
    emotions: Mapping[str, str]
    excluded_clips: Collection[tuple[str, str]] = ()

    def count_clips(self, clip_counts: Mapping[str, int]) -> tuple[int, ...]:
        """Return the clips of each class from those of each emotion; () if an emotion's number is unknown.

        Excluded clips are not subtracted.
        """
        if not set(self.emotions) <= set(clip_counts):
            return ()
        return tuple(
            sum(clip_counts[emotion] for emotion, own in self.emotions.items() if own == name)
            for name in self.classes
        )


def keep_emotions(names: Sequence[str]) -> ClassScheme:
    """Return the scheme in which each of these emotions is a class."""
    return ClassScheme(classes=tuple(names), emotions={name: name for name in names})


def select_scheme(
    names: Sequence[str],
    *,
    schemes: Mapping[str, ClassScheme],
    default: Sequence[str],
    choices: Sequence[str],
    dataset: str,
) -> ClassScheme:
    """Return the named scheme, the scheme with these classes, or the one that keeps the selected emotions.

    `names` is one name of `schemes`, the classes of one of them, or emotions of `choices`; () selects the
    `default` ones.

    Raises:
        DatasetError: A class is unknown, or only one class is named.
    """
    if len(names) == 1 and names[0] in schemes:
        return schemes[names[0]]
    if names and not set(names) <= set(choices):
        for scheme in schemes.values():
            if set(scheme.classes) == set(names):
                return scheme
    return keep_emotions(
        select_classes(names, default=default, choices=choices, dataset=dataset, schemes=schemes)
    )


def select_classes(
    names: Sequence[str],
    *,
    default: Sequence[str],
    choices: Sequence[str],
    dataset: str,
    schemes: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the selected classes in the order of `choices`, or `default` ones if `names` is empty.

    `schemes` are the names of choices that an error lists beside the classes.

    Raises:
        DatasetError: A class is unknown, or only one class is named.
    """
    unknown = [name for name in names if name not in choices]
    if unknown:
        scheme_note = f"; or one of {', '.join(schemes)} alone" if schemes else ""
        raise DatasetError(
            "class.unknown",
            f"unknown class {', '.join(map(repr, unknown))} of {dataset}; accepted: {', '.join(choices)}"
            f"{scheme_note}",
        )
    if len(set(names)) == 1:
        raise DatasetError(
            "class.too-few", f"a study needs at least two classes of {dataset}; got {names[0]} alone"
        )
    return tuple(name for name in choices if name in (names or default))
