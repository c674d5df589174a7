"""Validate the field types of dataclasses from Python callers. Typer does this for the command line."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.errors import HarnessError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def validate_types(value: T) -> T:
    """Return a copy of a frozen dataclass with the type of every field checked, recursively.

    Converts a list to a tuple, a string to a `Path` and an int to a float where the field has that type.

    Raises:
        HarnessError: A field has a value of another type. The message names the field, its type and value.
    """
    hints = get_type_hints(type(value))
    values = {}
    for field in fields(value):
        item = getattr(value, field.name)
        try:
            values[field.name] = _coerce(hints[field.name], item)
        except TypeError as error:
            is_bare_string = isinstance(item, str) and get_origin(hints[field.name]) is tuple
            raise HarnessError(
                "option.wrong-type",
                f"{type(value).__name__}.{field.name} takes {field.type}; got {item!r}"
                + (f": write ({item!r},)" if is_bare_string else ""),
            ) from error
    return replace(value, **values)


def _coerce(hint: Any, value: Any) -> Any:
    """Convert `value` to the type `hint`; raise TypeError if it has another type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner_hint,) = (arg for arg in args if arg is not types.NoneType)
        return None if value is None else _coerce(inner_hint, value)
    if origin is tuple and isinstance(value, tuple | list):
        return tuple(_coerce(args[0], item) for item in value)
    if origin is Literal and value in args:
        return value
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and type(value) is int:
        return float(value)
    # In Python a bool is an int; here it is not.
    if origin or not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise TypeError
    return validate_types(value) if is_dataclass(hint) else value
