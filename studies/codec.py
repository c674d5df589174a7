"""Convert values to JSON and back without loss: frozen dataclasses of scalars, tuples and dataclasses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from datasets.text import sanitize

T = TypeVar("T")

_MAX_PART_LENGTH = 500
"""Maximum number of characters of each part of an error message: a document can be of any size."""

JSON_NAMES: Mapping[str, Mapping[str, str]] = {
    "AnalysisPlan": {"study_name": "study"},
    "Anomaly": {"location": "where", "description": "what"},
    "BlockCost": {"in_channels": "inputs", "out_channels": "outputs"},
    "Cost": {"uncounted_ops": "uncounted"},
    "DataSummary": {"synthetic": "drawn"},
    "DatasetSpec": {"frame_policy": "frames"},
    "Finding": {"message": "text"},
    # Until November 2026 one seed determined both the split and the training.
    "RunSpec": {"split_seed": "seed", "seed": "training_seed", "variant": "control"},
    "RunResult": {"micro_batches": "pieces", "has_fixed_weights": "fixed_weights"},
    "Study": {"split_seeds": "seeds", "seeds": "training_seeds"},
    "Timing": {"phase": "part"},
    "TrainingSpec": {"batch_size": "batch"},
}
"""JSON names of renamed fields, by class. A name in JSON never changes."""

EXPLICIT_DEFAULTS: Mapping[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "ArchitectureSpec": "network stages block norm head width pretrained source digest",
        "AugmentationSpec": "flip rotation scale crop brightness contrast saturation hue",
        "BlockSpec": "convolution attention activation residual",
        "DataSummary": "findings synthetic",
        "DatasetSpec": "alignment representation classes layout",
        "Epoch": "gradient_ratio",
        "Prediction": "condition",
        "RunResult": "timings micro_batches",
        "RunSpec": "folds variant split_seed",
        "Study": "folds controls onset_fingerprint checks searches split_seeds",
        "TrainingSpec": "epochs batch_size learning_rate gamma class_weights patience augmentation precision "
        "compile fused deterministic",
    }.items()
}
"""Fields, by class, that are written to JSON even if they have their default value.

Every other field of these classes is omitted at its default, so that a new field does not change any key,
study name or stored record. Do not add to the list: it holds the fields that were written before this rule.
"""


def to_data(value: Any) -> Any:
    """Convert `value` to dicts, lists and scalars. `EXPLICIT_DEFAULTS` decides which defaults are omitted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            json_name: to_data(getattr(value, name))
            for name, json_name, default in _list_fields(type(value))
            if getattr(value, name) != default
        }
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    return value


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Convert `value` to canonical JSON: sorted keys, no NaN, the same text on every machine."""
    separators = (",", ":") if indent is None else None
    return json.dumps(to_data(value), sort_keys=True, separators=separators, indent=indent, allow_nan=False)


@cache
def _list_fields(cls: type) -> tuple[tuple[str, str, Any], ...]:
    """Return (name, JSON name, value at which the field is omitted) of each field.

    The value is `dataclasses.MISSING` if the field is never omitted.
    """
    names, explicit_fields = JSON_NAMES.get(cls.__name__, {}), EXPLICIT_DEFAULTS.get(cls.__name__)
    return tuple(
        (
            field.name,
            names.get(field.name, field.name),
            dataclasses.MISSING
            if explicit_fields is None or field.name in explicit_fields
            else field.default,
        )
        for field in dataclasses.fields(cls)
    )


def from_data(cls: type[T], data: Any) -> T:
    """Return the value of type `cls` from the output of `to_data`.

    Raises:
        ValueError: as `from_json`.
    """
    import pydantic_core

    # In strict mode pydantic accepts a list as a tuple only from JSON.
    return from_json(cls, pydantic_core.to_json(data, inf_nan_mode="constants"))


def from_json(cls: type[T], text: str | bytes) -> T:
    """Return the value of type `cls` from the output of `to_json`. A missing field gets its default.

    Raises:
        ValueError: `text` is not JSON, or a field is unknown, is missing without a default, has another type,
            or is NaN.
    """
    from pydantic import ValidationError

    try:
        value: T = _build_adapter(cls).validate_json(text)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ValueError(_format_error(cls, error.errors(include_url=False)[0])) from error
    return value


@cache
def _build_adapter(cls: type) -> Any:
    # Imported here so that the command line starts fast.
    from pydantic import ConfigDict, TypeAdapter, with_config

    for dataclass_type in _find_dataclasses(cls):
        names = JSON_NAMES.get(dataclass_type.__name__, {})
        config = ConfigDict(
            strict=True,
            extra="forbid",
            allow_inf_nan=False,
            alias_generator=lambda name, names=names: names.get(name, name),
        )
        with_config(config)(dataclass_type)
    return TypeAdapter(cls)


def _find_dataclasses(hint: Any) -> Iterator[type]:
    """Yield the dataclasses in a type hint: the type itself, its type arguments, and those of its fields."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
        for inner_hint in get_type_hints(hint).values():
            yield from _find_dataclasses(inner_hint)
    for inner_hint in get_args(hint):
        yield from _find_dataclasses(inner_hint)


def _format_error(cls: type, error: Mapping[str, Any]) -> str:
    """Format a pydantic error: the location, the rule, and the value unless the rule contains it."""
    parts = [".".join((cls.__name__, *map(str, error["loc"]))), error["msg"].removeprefix("Value error, ")]
    if error["type"] not in ("value_error", "missing"):
        parts.append(f"got {error['input']!r}")
    return "; ".join(sanitize(part, max_length=_MAX_PART_LENGTH) for part in parts)


def decode_json(text: str | bytes) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: `text` is not JSON, or is nested more than 200 levels deep.
    """
    import pydantic_core

    return pydantic_core.from_json(text)
