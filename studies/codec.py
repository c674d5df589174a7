"""Values to JSON and back unchanged: frozen dataclasses that hold scalars, tuples and one another."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from datasets.text import shown

T = TypeVar("T")

_LONGEST = 200
"""Characters of what was got instead that a message shows: a document can be of any size."""

_LONGEST_MESSAGE = 2000

WRITTEN_AS: Mapping[str, Mapping[str, str]] = {
    # Until November 2026 one seed drew both the division and the training.
    "RunSpec": {"split_seed": "seed", "seed": "training_seed"},
    "Study": {"split_seeds": "seeds", "seeds": "training_seeds"},
}
"""The names under which renamed fields stand in JSON, by class: names in JSON never change."""

ALWAYS_WRITTEN: Mapping[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "ArchitectureSpec": "network stages block norm head width pretrained source digest",
        "AugmentationSpec": "flip rotation scale crop brightness contrast saturation hue",
        "BlockSpec": "convolution attention activation residual",
        "DataSummary": "findings drawn",
        "DatasetSpec": "alignment representation classes layout",
        "Epoch": "gradient_ratio",
        "Prediction": "condition",
        "RunResult": "timings pieces",
        "RunSpec": "folds control split_seed",
        "Study": "folds controls onset_fingerprint checks searches split_seeds",
        "TrainingSpec": "epochs batch learning_rate gamma class_weights patience augmentation precision "
        "compile fused deterministic",
    }.items()
}
"""Fields with a default that JSON holds even at their default, by class.

Every other field of these classes is left out at its default, so that a new field changes no key, no study's
name and no stored record. The list is closed: it holds the fields that were written before this rule.
"""


def to_data(value: Any) -> Any:
    """`value` as plain dicts, lists and scalars; fields at their default stay out, see `ALWAYS_WRITTEN`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            name: to_data(getattr(value, field.name))
            for name, field, omissible in _fields(type(value))
            if not (omissible and getattr(value, field.name) == field.default)
        }
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    return value


def to_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as canonical JSON: sorted keys, no NaN, the same text on every machine."""
    separators = (",", ":") if indent is None else None
    return json.dumps(to_data(value), sort_keys=True, separators=separators, indent=indent, allow_nan=False)


@cache
def _fields(cls: type) -> tuple[tuple[str, dataclasses.Field[Any], bool], ...]:
    """Each field's name in JSON, the field, and whether JSON leaves it out at its default."""
    names, always = WRITTEN_AS.get(cls.__name__, {}), ALWAYS_WRITTEN.get(cls.__name__)
    return tuple(
        (
            names.get(field.name, field.name),
            field,
            always is not None and _has_default(field) and field.name not in always,
        )
        for field in dataclasses.fields(cls)
    )


@cache
def _hints(cls: type) -> dict[str, tuple[str, Any]]:
    """The field and its type, by its name in JSON."""
    hints = get_type_hints(cls)
    return {name: (field.name, hints[field.name]) for name, field, _ in _fields(cls)}


def from_data(cls: type[T], data: Any) -> T:
    """The value of type `cls` that `to_data` made `data` from.

    Raises:
        ValueError: a field without a default is missing, or one is unknown, holds something of another type,
            or no number. What was written before a field existed is read with the field's default.
    """
    try:
        value: T = _decode(cls, data, where=cls.__name__)
    except ValueError as error:
        # A value's own complaint may cite the name that it was given.
        raise ValueError(shown(str(error), longest=_LONGEST_MESSAGE)) from error
    return value


def from_json(cls: type[T], text: str) -> T:
    """The value of type `cls` that `to_json` made `text` from; errors as `from_data`, and for no JSON."""
    return from_data(cls, parsed(text))


def parsed(text: str) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is no JSON, or is nested deeper than Python can follow.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON must be nested less deeply than a thousand levels") from error


def _decode(hint: Any, data: Any, *, where: str) -> Any:
    origin = get_origin(hint)
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return _decode_dataclass(hint, data, where=where)
    if origin is tuple:
        return _decode_tuple(get_args(hint), data, where=where)
    if origin is Literal:
        if data not in get_args(hint):
            raise ValueError(
                f"{where} must be one of {', '.join(map(repr, get_args(hint)))}; got {_got(data)}"
            )
        return data
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not types.NoneType]
        assert len(inner) == 1, f"{where}: only optional types are supported"
        return None if data is None else _decode(inner[0], data, where=where)
    if hint is float and type(data) in (int, float):
        return _finite(data, where=where)
    if type(data) is not hint:
        raise ValueError(f"{where} must be {hint.__name__}; got {_got(data)}")
    return data


def _finite(data: int | float, *, where: str) -> float:
    """A number as a float; JSON's readers also take NaN, 1e999 and whole numbers of 400 digits."""
    try:
        number = float(data)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{where} must be a finite number; got {_got(data)}")
    return number


def _got(data: Any) -> str:
    """What stands in a value's place, in words of bounded length."""
    return shown(repr(data), longest=_LONGEST)


def _decode_tuple(args: tuple[Any, ...], data: Any, *, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise ValueError(f"{where} must be a list; got {_got(data)}")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item, where=f"{where}[{i}]") for i, item in enumerate(data))
    if len(args) != len(data):
        raise ValueError(f"{where} must hold {len(args)} items; got {len(data)}")
    pairs = zip(args, data, strict=True)
    return tuple(_decode(arg, item, where=f"{where}[{i}]") for i, (arg, item) in enumerate(pairs))


def _decode_dataclass(cls: type, data: Any, *, where: str) -> Any:
    hints = _hints(cls)
    needed = {name for name, field, _ in _fields(cls) if not _has_default(field)}
    if not isinstance(data, dict) or not needed <= set(data) <= set(hints):
        got = sorted(data) if isinstance(data, dict) else data
        raise ValueError(f"{where} must have the fields {sorted(hints)}; got {_got(got)}")
    values = {}
    for name, item in data.items():
        field, hint = hints[name]
        values[field] = _decode(hint, item, where=f"{where}.{name}")
    return cls(**values)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
