"""Whether what was given from Python is what its annotations say; the command line can give nothing else."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def typed(value: T) -> T:
    """A frozen dataclass with every field, and those of the dataclasses in it, seen to be of its type.

    A list stands for a tuple, a text for a path, a whole number for a float.

    Raises:
        ValueError: a field holds something else; the message names it, its type and what it was given.
    """
    hints = get_type_hints(type(value))
    taken = {}
    for field in fields(value):
        given = getattr(value, field.name)
        try:
            taken[field.name] = _taken(hints[field.name], given)
        except TypeError as error:
            alone = isinstance(given, str) and get_origin(hints[field.name]) is tuple
            raise ValueError(
                f"{type(value).__name__}.{field.name} takes {field.type}; got {given!r}"
                + (f": write ({given!r},)" if alone else "")
            ) from error
    return replace(value, **taken)


def _taken(hint: Any, given: Any) -> Any:
    """`given` as `hint` has it; TypeError where it is nothing of the kind."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (arg for arg in args if arg is not types.NoneType)
        return None if given is None else _taken(inner, given)
    if origin is tuple and isinstance(given, tuple | list):
        return tuple(_taken(args[0], item) for item in given)
    if origin is Literal and given in args:
        return given
    if hint is Path and isinstance(given, str):
        return Path(given)
    if hint is float and type(given) is int:
        return float(given)
    # A truth value is a whole number to Python, and to nobody else.
    if origin or not isinstance(given, hint) or (hint is int and isinstance(given, bool)):
        raise TypeError
    return typed(given) if is_dataclass(hint) else given
