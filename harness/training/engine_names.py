"""Names of the training engines and precisions that a user can request."""

from __future__ import annotations

from typing import get_args

from harness.errors import check_choice
from studies.spec import Engine, Precision

ENGINES = ("auto", *get_args(Engine))
PRECISIONS = ("auto", *get_args(Precision))


def check_engine_names(engine: str, precision: str) -> None:
    """Raise ValueError if `engine` is not one of `ENGINES`, or `precision` not one of `PRECISIONS`."""
    check_choice("--engine", engine, ENGINES)
    check_choice("--precision", precision, PRECISIONS)
