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
from tests.reports.conftest import Factory

CLIPS = 48


def _factorial(factory: type[Factory], accuracy: Any, *more: Any) -> StudyEvaluation:
    """Return a factorial study; the arm with components S has accuracy(S) on each of 8 subjects."""
    arms = (*build_ablation_arms("factorial"), *more)
    study = replace(factory.study("ablation", protocols=("subject",)), design="factorial", arms=arms)

    def choose(spec: RunSpec) -> RunResult:
        share = accuracy(get_components(spec.architecture))
        return factory.run_from_correctness(
            spec, [c // 8 < round(share * 6) for c in range(CLIPS)], subjects=8
        )

    return evaluate_study(factory.finish(study, choose))


def _values(factory: type[Factory], table: Any, quantity: str) -> dict[str, float]:
    rows = zip(factory.column(table, "Quantity"), factory.column(table, "Component"), table.rows, strict=True)
    return {part: row[3].value for name, part, row in rows if name == quantity}


def test_additive_effects_are_equal_in_every_definition(factory: type[Factory]) -> None:
    table = build_effect_table(
        _factorial(factory, lambda on: (2 + ("cbam" in on) + 2 * ("residual" in on)) / 6)
    )

    assert table is not None
    expected = {"cbam": 100 / 6, "residual": 200 / 6, "separable": 0, "prelu": 0}
    for quantity in ("main effect", "average over orders", "in the paper's order"):
        assert _values(factory, table, quantity) == pytest.approx(expected)
    assert max(map(abs, _values(factory, table, "order less average").values())) == pytest.approx(0)
    assert max(map(abs, _values(factory, table, "interaction").values())) == pytest.approx(0)


def test_summary_lists_average_effects_from_the_largest(factory: type[Factory]) -> None:
    study = _factorial(factory, lambda on: (2 + ("cbam" in on) + 2 * ("residual" in on)) / 6)

    (statement,) = describe_effects(study, "subject")
    assert "residual +33.33 [+33.33 to +33.33], cbam +16.67 [+16.67 to +16.67], " in statement.text
    assert statement in summarize_study(study)
    assert not list(describe_effects(evaluate_study(factory.finish(factory.study("ablation"))), "frame"))


def test_interaction_inflates_the_effect_in_the_papers_order(factory: type[Factory]) -> None:
    table = build_effect_table(_factorial(factory, lambda on: (3 + 3 * ({"cbam", "residual"} <= on)) / 6))

    assert table is not None
    assert _values(factory, table, "in the paper's order") == pytest.approx(
        {"cbam": 0, "residual": 50, "separable": 0, "prelu": 0}
    )
    assert _values(factory, table, "average over orders")["cbam"] == pytest.approx(25)
    assert _values(factory, table, "order less average") == pytest.approx(
        {"cbam": -25, "residual": 25, "separable": 0, "prelu": 0}
    )
    assert _values(factory, table, "interaction")["cbam × residual"] == pytest.approx(25)


def test_null_arm_is_no_combination_of_parts(factory: type[Factory]) -> None:
    def accuracy(on: Any) -> float:
        return (2 + ("cbam" in on) + 2 * ("residual" in on)) / 6

    plain = build_effect_table(_factorial(factory, accuracy))
    table = build_effect_table(
        _factorial(factory, accuracy, build_null_arm(build_ablation_arms("factorial")[-1]))
    )

    assert plain is not None
    assert table is not None
    assert factory.column(table, "Estimate") == factory.column(plain, "Estimate")


def test_other_designs_have_no_effects_and_an_unfinished_factorial_none_yet(factory: type[Factory]) -> None:
    assert build_effect_table(evaluate_study(factory.finish(factory.study("ablation")))) is None
    study = replace(factory.study("ablation"), design="factorial", arms=build_ablation_arms("factorial"))
    unfinished = factory.finish(
        study, lambda s: None if s.architecture.name == "proposed" else factory.run(s)
    )
    assert build_effect_table(evaluate_study(unfinished)) is None
