from math import sqrt
from typing import Any

import pytest
from scipy.stats import t as student

from reports.outcomes import evaluate_study
from reports.table import Table
from reports.tables.uncertainty import build_uncertainty_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)


def _find_table(factory: type[Factory], count: Any, *, subjects: int = 12, **kwargs: Any) -> Table | None:
    """Return the table of networks with count(name, spec, subject) of 8 clips per subject correct."""

    def choose(spec: RunSpec) -> RunResult:
        name = spec.architecture.name
        right = [c // subjects < count(name, spec, c % subjects) for c in range(8 * subjects)]
        return factory.run_from_correctness(spec, right, subjects=subjects)

    study = factory.study(protocols=("subject",), **kwargs)
    return build_uncertainty_table(evaluate_study(factory.finish(study, choose)))


def _table(factory: type[Factory], count: Any, **kwargs: Any) -> Table:
    """Return the table of `_find_table`, which must exist."""
    table = _find_table(factory, count, **kwargs)
    assert table is not None
    return table


def _count_by_training(name: str, spec: RunSpec, _: int) -> int:
    return 3 + int(spec.seed) if name == "proposed" else 6


def test_trainings_give_the_full_error_if_nothing_else_varies(factory: type[Factory]) -> None:
    """Accuracies 3/8 to 7/8 compared with constant ones have 4 degrees of freedom."""
    table = _table(factory, _count_by_training, seeds=FIVE)
    error = 100 * sqrt(2.5 / 5) / 8
    smallest = (student.isf(0.025, 4) + student.isf(0.2, 4)) * error
    (row,) = table.rows

    assert [cell.text for cell in row[:3]] == [
        "vgg16",
        "proposed (collapsed in 1 of 5 seeds)",
        "subject",
    ]
    assert factory.column(table, "Trainings") == factory.column(table, "Total") == [f"{error:.2f}"]
    assert factory.column(table, "Splits") == ["–"]
    assert factory.column(table, "Smallest detectable difference") == [f"{smallest:.2f}"]
    assert row[4].value == pytest.approx(error)
    assert len(row[4].run_keys) == 10


def test_smallest_difference_is_at_the_level_of_the_family(factory: type[Factory]) -> None:
    """Two of three arms have the same pooled variance; two comparisons share the 5 % level."""
    table = _table(factory, _count_by_training, seeds=FIVE, only=("vgg16", "resnet34", "proposed"))
    error = 100 * sqrt(2.5 / 5) / 8
    smallest = (student.isf(0.0125, 4) + student.isf(0.2, 4)) * error

    assert factory.column(table, "Smallest detectable difference") == [f"{smallest:.2f}"] * 2


def test_single_training_has_a_dash_for_its_variance(factory: type[Factory]) -> None:
    misses = [0, 1, 2, 3] * 3
    table = _table(factory, lambda name, _, s: 7 if name == "proposed" else 7 - misses[s])
    error = 100 * sqrt(sum((miss - 1.5) ** 2 for miss in misses) / 11 / 12) / 8

    assert factory.column(table, "Subjects or folds") == factory.column(table, "Total") == [f"{error:.2f}"]
    assert factory.column(table, "Trainings") == factory.column(table, "Splits") == ["–"]


def test_divisions_have_a_column_of_their_own(factory: type[Factory]) -> None:
    table = _table(
        factory,
        lambda name, spec, _: 4 + spec.split_seed if name == "proposed" else 6,
        seeds=(0, 1, 2),
        split_seeds=(0, 1),
    )

    assert factory.column(table, "Splits") == [f"{100 * sqrt(0.5 * (1 / 2 + 1 / 7)) / 8:.2f}"]
    assert factory.column(table, "Trainings") == ["–"]


def test_row_needs_an_interval(factory: type[Factory]) -> None:
    assert _find_table(factory, _count_by_training, seeds=FIVE, subjects=5) is None
    assert _find_table(factory, lambda *_: 4, seeds=FIVE) is None, "both collapsed"
    assert _find_table(factory, _count_by_training, only=("proposed",)) is None
