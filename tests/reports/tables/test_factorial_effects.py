from dataclasses import replace
from typing import Any

import pytest

from architectures.spec import get_components
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.summary import summarize_study
from reports.tables.factorial_effects import build_effect_table, describe_effects
from studies.arms import build_ablation_arms
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import build_null_arm
from tests.reports.conftest import Built

CLIPS = 48


def _factorial(built: type[Built], accuracy: Any, *more: Any) -> StudyEvaluation:
    """Return a factorial study; the arm with components S has accuracy(S) on each of 8 subjects."""
    arms = (*build_ablation_arms("factorial"), *more)
    study = replace(built.study("ablation", protocols=("subject",)), design="factorial", arms=arms)

    def choose(spec: RunSpec) -> RunResult:
        share = accuracy(get_components(spec.architecture))
        return built.answered(spec, [c // 8 < round(share * 6) for c in range(CLIPS)], subjects=8)

    return evaluate_study(built.finish(study, choose))


def _values(built: type[Built], table: Any, quantity: str) -> dict[str, float]:
    rows = zip(built.column(table, "Quantity"), built.column(table, "Component"), table.rows, strict=True)
    return {part: row[3].value for name, part, row in rows if name == quantity}


def test_effects_of_parts_that_add_up_are_the_same_however_they_are_counted(built: type[Built]) -> None:
    table = build_effect_table(
        _factorial(built, lambda on: (2 + ("cbam" in on) + 2 * ("residual" in on)) / 6)
    )

    assert table is not None
    expected = {"cbam": 100 / 6, "residual": 200 / 6, "separable": 0, "prelu": 0}
    for quantity in ("main effect", "average over orders", "in the paper's order"):
        assert _values(built, table, quantity) == pytest.approx(expected)
    assert max(map(abs, _values(built, table, "order less average").values())) == pytest.approx(0)
    assert max(map(abs, _values(built, table, "interaction").values())) == pytest.approx(0)


def test_the_first_page_has_each_parts_average_over_orders_the_most_first(built: type[Built]) -> None:
    study = _factorial(built, lambda on: (2 + ("cbam" in on) + 2 * ("residual" in on)) / 6)

    (told,) = describe_effects(study, "subject")
    assert "residual +33.33 [+33.33 to +33.33], cbam +16.67 [+16.67 to +16.67], " in told.text
    assert told in summarize_study(study)
    assert not list(describe_effects(evaluate_study(built.finish(built.study("ablation"))), "frame"))


def test_the_papers_order_flatters_the_part_that_finds_its_partner_there(built: type[Built]) -> None:
    table = build_effect_table(_factorial(built, lambda on: (3 + 3 * ({"cbam", "residual"} <= on)) / 6))

    assert table is not None
    assert _values(built, table, "in the paper's order") == pytest.approx(
        {"cbam": 0, "residual": 50, "separable": 0, "prelu": 0}
    )
    assert _values(built, table, "average over orders")["cbam"] == pytest.approx(25)
    assert _values(built, table, "order less average") == pytest.approx(
        {"cbam": -25, "residual": 25, "separable": 0, "prelu": 0}
    )
    assert _values(built, table, "interaction")["cbam × residual"] == pytest.approx(25)


def test_the_null_arm_is_no_combination_of_parts(built: type[Built]) -> None:
    def accuracy(on: Any) -> float:
        return (2 + ("cbam" in on) + 2 * ("residual" in on)) / 6

    plain = build_effect_table(_factorial(built, accuracy))
    table = build_effect_table(
        _factorial(built, accuracy, build_null_arm(build_ablation_arms("factorial")[-1]))
    )

    assert plain is not None
    assert table is not None
    assert built.column(table, "Estimate") == built.column(plain, "Estimate")


def test_other_designs_have_no_effects_and_an_unfinished_factorial_none_yet(built: type[Built]) -> None:
    assert build_effect_table(evaluate_study(built.finish(built.study("ablation")))) is None
    study = replace(built.study("ablation"), design="factorial", arms=build_ablation_arms("factorial"))
    unfinished = built.finish(study, lambda s: None if s.architecture.name == "proposed" else built.run(s))
    assert build_effect_table(evaluate_study(unfinished)) is None
