"""Convert values to JSON and back without loss: frozen dataclasses of scalars, tuples and dataclasses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from datasets.text import sanitize
from studies.errors import StudyError

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
        "Failure": "",
        "FlowSpec": "",
        "Manifest": "format version",
        "Prediction": "condition",
        "RunResult": "timings micro_batches",
        "RunSpec": "folds variant split_seed",
        "Study": "folds controls onset_fingerprint checks searches split_seeds",
        "TrainingSpec": "epochs batch_size learning_rate gamma class_weights patience augmentation precision "
        "deterministic",
    }.items()
}
"""Fields, by class, that are written to JSON even if they have their default value.

Every other field of these classes is omitted at its default, so that a new field does not change any key,
study name or stored record. Do not add to the list: it holds the fields that were written before this rule.
"""


JSON_FLAGS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "TrainingSpec": {"engine": {"compile": "compiled", "fused": "fused"}},
}
"""Fields, by class, that JSON writes as flags: the flag of the field's value is true, the others are false.

If all flags are false or missing, the field has its default value.
"""


def to_data(value: Any) -> Any:
    """Convert `value` to dicts, lists and scalars. `EXPLICIT_DEFAULTS` decides which defaults are omitted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            json_name: to_data(getattr(value, name))
            for name, json_name, default in _list_fields(type(value))
            if getattr(value, name) != default
        }
        for name, flags in JSON_FLAGS.get(type(value).__name__, {}).items():
            fields |= {flag: getattr(value, name) == flag_value for flag, flag_value in flags.items()}
        return fields
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
    flag_fields = JSON_FLAGS.get(cls.__name__, {})
    return tuple(
        (
            field.name,
            names.get(field.name, field.name),
            dataclasses.MISSING
            if explicit_fields is None or field.name in explicit_fields
            else field.default,
        )
        for field in dataclasses.fields(cls)
        if field.name not in flag_fields
    )


def from_data(cls: type[T], data: Any) -> T:
    """Return the value of type `cls` from the output of `to_data`.

    Raises:
        StudyError: as `from_json`.
    """
    import pydantic_core

    # In strict mode pydantic accepts a list as a tuple only from JSON.
    return from_json(cls, pydantic_core.to_json(data, inf_nan_mode="constants"))


def from_json(cls: type[T], text: str | bytes) -> T:
    """Return the value of type `cls` from the output of `to_json`. A missing field gets its default.

    Raises:
        StudyError: `text` is not JSON, or a field is unknown, is missing without a default, has another type,
            or is NaN.
    """
    from pydantic import ValidationError

    try:
        value: T = _build_adapter(cls).validate_json(text)  # type: ignore[arg-type]
    except ValidationError as error:
        raise StudyError("json.invalid", _format_error(cls, error.errors(include_url=False)[0])) from error
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
        if flag_fields := JSON_FLAGS.get(dataclass_type.__name__):
            dataclass_type.__get_pydantic_core_schema__ = _build_flag_schema(flag_fields)  # type: ignore[attr-defined]
    return TypeAdapter(cls)


def _build_flag_schema(flag_fields: Mapping[str, Mapping[str, str]]) -> Any:
    """Build the hook with which pydantic reads the flags of `JSON_FLAGS` as fields."""
    from pydantic_core import core_schema

    def read_flags(data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for name, flags in flag_fields.items():
            values = {flag: data.pop(flag) for flag in flags if flag in data}
            if any(not isinstance(value, bool) for value in values.values()):
                raise StudyError(
                    "json.not-a-flag", f"{', '.join(values)} must be true or false; got {values}"
                )
            set_flags = [flag for flag, is_set in values.items() if is_set]
            if len(set_flags) > 1:
                raise StudyError(
                    "json.several-flags",
                    f"at most one of {', '.join(flags)} can be true; got {', '.join(set_flags)}",
                )
            if set_flags:
                data[name] = flags[set_flags[0]]
        return data

    return lambda source, handler: core_schema.no_info_before_validator_function(read_flags, handler(source))


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


def name_json_type(value: Any) -> str:
    """Return the JSON type of a value that `decode_json` returned, with its article: "an array", "null"."""
    return {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }.get(type(value), "null")


def decode_json(text: str | bytes) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: `text` is not JSON, or is nested more than 200 levels deep.
    """
    import pydantic_core

    return pydantic_core.from_json(text)
