"""Options with a known set of values: checked before the command runs, and completed by the shell."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any, cast

import typer

from harness.errors import check_choice, wrap_user_errors

TABLES = {
    "architecture": ("architectures.catalogue", "CATALOGUE"),
    "data set": ("datasets.catalogue", "DATASETS"),
    "design": ("studies.arms", "DESIGNS"),
    "device": ("harness.device", "DEVICES"),
    "preset": ("studies.presets", "PRESETS"),
    "protocol": ("datasets.splits", "PROTOCOLS"),
    "--align": ("harness.data.loading", "ALIGN_CHOICES"),
    "--engine": ("harness.training.engine_names", "ENGINES"),
    "--flow-method": ("datasets.spec", "FLOW_METHODS"),
    "--flow-scale": ("datasets.spec", "FLOW_SCALES"),
    "--flow-strain": ("datasets.spec", "STRAIN_FORMULAS"),
    "--format": ("harness.commands.report", "FORMATS"),
    "--executor": ("harness.planning.execution", "EXECUTORS"),
    "study --for": ("harness.commands.tune", "STUDY_KINDS"),
    "--keep-weights": ("harness.planning.weight_rule", "WEIGHT_RULES"),
    "--metric": ("studies.spec", "METRICS"),
    "--order": ("architectures.spec", "COMPONENTS"),
    "--precision": ("harness.training.engine_names", "PRECISIONS"),
    "--pruner": ("studies.search", "PRUNERS"),
    "--representation": ("harness.data.loading", "STUDY_REPRESENTATIONS"),
}
"""Module and name of the accepted values, by the label that an error gives the option.

The modules load no torch, numpy, pandas or mlflow. Each is imported when a value is checked or completed.
"""


def choice_option(label: str, *names: str, help: str) -> Any:
    """Return a Typer option whose values are in the table `label`; `names` are its names, as for Typer.

    A value can list several choices, separated by commas, if the option is repeatable.
    """

    def check(ctx: typer.Context, value: Any) -> Any:
        if ctx.resilient_parsing:  # a completion must be fast, so it checks nothing
            return value
        values = parse_list(value) if isinstance(value, list) else () if value is None else (value,)
        with wrap_user_errors():
            for item in values:
                check_choice(label, item, load_choices(label))
        return value

    def complete(incomplete: str) -> list[str]:
        earlier, comma, start = incomplete.rpartition(",")
        return [earlier + comma + choice for choice in load_choices(label) if choice.startswith(start)]

    return typer.Option(*names, help=help, callback=check, autocompletion=complete)


def load_choices(label: str) -> Collection[str]:
    """Return the accepted values of the options with this label."""
    module, name = TABLES[label]
    return cast("Collection[str]", getattr(import_module(module), name))


def parse_list(names: list[str] | None) -> tuple[str, ...]:
    """Split the values of a repeatable option at commas and return them as one tuple."""
    return tuple(name.strip() for text in names or () for name in text.split(","))
