"""Values to JSON and back unchanged: frozen dataclasses that hold scalars, tuples and one another."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from datasets.text import shown

T = TypeVar("T")

_LONGEST = 500
"""Characters that a message shows of each of its parts: a document can be of any size."""

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
            stored: to_data(getattr(value, name))
            for name, stored, default in _fields(type(value))
            if getattr(value, name) != default
        }
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    return value


def to_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as canonical JSON: sorted keys, no NaN, the same text on every machine."""
    separators = (",", ":") if indent is None else None
    return json.dumps(to_data(value), sort_keys=True, separators=separators, indent=indent, allow_nan=False)


@cache
def _fields(cls: type) -> tuple[tuple[str, str, Any], ...]:
    """Each field's name, its name in JSON, and the value at which JSON leaves it out, MISSING if at none."""
    names, always = WRITTEN_AS.get(cls.__name__, {}), ALWAYS_WRITTEN.get(cls.__name__)
    return tuple(
        (
            field.name,
            names.get(field.name, field.name),
            dataclasses.MISSING if always is None or field.name in always else field.default,
        )
        for field in dataclasses.fields(cls)
    )


def from_data(cls: type[T], data: Any) -> T:
    """The value of type `cls` that `to_data` made `data` from; errors as `from_json`."""
    import pydantic_core

    # Only from JSON does a strict reader take a list for a tuple.
    return from_json(cls, pydantic_core.to_json(data, inf_nan_mode="constants"))


def from_json(cls: type[T], text: str | bytes) -> T:
    """The value of type `cls` that `to_json` made `text` from; a field that is not there has its default.

    Raises:
        ValueError: no JSON; a field is unknown, lacks without a default, or holds another type or NaN.
    """
    from pydantic import ValidationError

    try:
        value: T = _adapter(cls).validate_json(text)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ValueError(_message(cls, error.errors(include_url=False)[0])) from error
    return value


@cache
def _adapter(cls: type) -> Any:
    # Imported where a value is read: the command line is to start at once.
    from pydantic import ConfigDict, TypeAdapter, with_config

    stored = {name: other for names in WRITTEN_AS.values() for name, other in names.items()}
    config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, alias_generator=lambda name: stored.get(name, name)
    )
    # The dataclasses inside take the configuration of the one that holds them.
    return TypeAdapter(with_config(config)(cls))


def _message(cls: type, fault: Mapping[str, Any]) -> str:
    """Where the fault is that pydantic found, the rule, and what was got unless the rule says it."""
    parts = [".".join((cls.__name__, *map(str, fault["loc"]))), fault["msg"].removeprefix("Value error, ")]
    if fault["type"] not in ("value_error", "missing"):
        parts.append(f"got {fault['input']!r}")
    return "; ".join(shown(part, longest=_LONGEST) for part in parts)


def parsed(text: str | bytes) -> Any:
    """What a JSON text holds; ValueError for one that is no JSON, or is nested more than 200 levels deep."""
    import pydantic_core

    return pydantic_core.from_json(text)
