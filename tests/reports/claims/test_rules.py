"""Tests of each rule with a case for and a case against a claim, and of the choice of a claim's study."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.claims.catalogue import CLAIMS
from reports.claims.rules import (
    COMBINATION_TEXTS,
    ClaimResult,
    EqualityRule,
    IntervalRule,
    LimitedValue,
    Measurement,
    NonInferiorityRule,
    Quantity,
    Rule,
    SignTestRule,
    SuperiorityRule,
    TrainingSigns,
    UpperLimitRule,
    make_not_testable_result,
)
from reports.claims.score_measures import select_evaluation, select_paper_datasets
from reports.outcomes import StudyEvaluation, evaluate_study
from studies.statistics.verdicts import Estimate, Verdict, decide_verdict
from tests.error_codes import raises_code
from tests.reports.conftest import Factory

FOR, AGAINST, OPEN = "reproduced", "not reproduced", "undecidable at this n"


def _judge(rule: Rule[Any], *items: Any) -> ClaimResult:
    return rule.judge(Measurement(text="", items=items))


def _quantity(
    low: float, high: float, *, value: float | None = None, printed: float | None = None, units: int = 600
) -> Quantity:
    estimate = Estimate(
        value=(low + high) / 2 if value is None else value,
        low=low,
        high=high,
        p=0.01 if low > 0 or high < 0 else 0.5,
        standard_error=0.01,
        df=20.0,
        subject_se=0.01,
        training_se=0.0,
        split_se=0.0,
        cluster_count=20,
        training_count=5,
        unit_count=units,
    )
    verdict = decide_verdict(estimate, margin=0.05)
    return Quantity(name=f"{low} to {high}", estimate=estimate, verdict=verdict, paper_value=printed)


NO_VERDICT = Quantity(
    name="few",
    estimate=None,
    verdict=Verdict(label="no verdict", reason="1 training (at least 5)"),
    paper_value=0.9,
)
BETTER, WORSE, EQUIVALENT, INCONCLUSIVE = (
    _quantity(0.01, 0.2),
    _quantity(-0.2, -0.01),
    _quantity(-0.02, 0.03),
    _quantity(-0.2, 0.3),
)


def test_exact_compares_with_the_printed_value_and_marks_derived_values() -> None:
    assert _judge(EqualityRule(paper_value="9.05"), "9.05").verdict == FOR
    assert _judge(EqualityRule(paper_value="9.05"), "9.06").verdict == AGAINST
    derived = EqualityRule(paper_value="9.05", derivation_reason="the block was derived from this number")
    assert _judge(derived, "9.05").verdict == "not testable here"
    assert _judge(derived, "9.05").reason == "not a test: the block was derived from this number"
    assert _judge(derived, "9.06").verdict == AGAINST


def test_upper_limit_rule_compares_with_the_limit() -> None:
    assert (
        _judge(UpperLimitRule(), LimitedValue(name="p95", value=33.0, limit=33.3, unit="ms")).verdict == FOR
    )
    result = _judge(UpperLimitRule(), LimitedValue(name="p95", value=34.0, limit=33.3, unit="ms"))
    assert (result.verdict, result.reason) == (AGAINST, "p95 is 34.0 ms, the limit is 33.3 ms")


@pytest.mark.parametrize(
    ("item", "verdict", "reason"),
    [
        (_quantity(0.93, 0.97, printed=0.949), FOR, "the interval contains the paper's number"),
        (_quantity(0.70, 0.78, printed=0.932), AGAINST, "the interval does not contain the paper's number"),
        (_quantity(0.96, 0.99, printed=0.949), AGAINST, "the interval does not contain the paper's number"),
        (_quantity(-0.01, 0.04, printed=0.032), AGAINST, "the difference is equivalent to 0"),
        (_quantity(-0.01, 0.06, printed=0.032), OPEN, "the interval contains both the paper's number and 0"),
        (
            _quantity(0.5, 1.0, printed=0.98),
            OPEN,
            "the interval contains the paper's number, but the estimate is over 5 points away",
        ),
        (NO_VERDICT, OPEN, "1 training (at least 5)"),
        (
            _quantity(1.0, 1.0, printed=0.98, units=1000),
            AGAINST,
            "the interval does not contain the paper's number",
        ),
        (_quantity(1.0, 1.0, printed=0.98, units=100), FOR, "the interval contains the paper's number"),
    ],
)
def test_interval_rule_checks_the_printed_number(item: Quantity, verdict: str, reason: str) -> None:
    result = _judge(IntervalRule(), item)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_interval_rule_needs_a_printed_number() -> None:
    with raises_code("claim.no-printed-number"):
        _judge(IntervalRule(), _quantity(0.1, 0.2))


@pytest.mark.parametrize(
    ("item", "better", "not_worse"),
    [
        (BETTER, FOR, FOR),
        (WORSE, AGAINST, AGAINST),
        (EQUIVALENT, AGAINST, FOR),
        (INCONCLUSIVE, OPEN, OPEN),
        (NO_VERDICT, OPEN, OPEN),
    ],
)
def test_superiority_and_non_inferiority_rules_use_the_verdict(
    item: Quantity, better: str, not_worse: str
) -> None:
    assert _judge(SuperiorityRule(), item).verdict == better
    assert _judge(NonInferiorityRule(), item).verdict == not_worse


@pytest.mark.parametrize(
    ("supporting", "n", "verdict"),
    [
        (5, 5, FOR),
        (0, 5, AGAINST),
        (4, 5, OPEN),
        (7, 8, FOR),
        (6, 8, OPEN),
        (1, 8, AGAINST),
        (4, 4, OPEN),
        (0, 3, OPEN),
    ],
)
def test_sign_test_is_exact_and_one_sided(supporting: int, n: int, verdict: str) -> None:
    signs = TrainingSigns(name="pair", supports_claim=tuple(index < supporting for index in range(n)))
    assert _judge(SignTestRule(), signs).verdict == verdict


def test_sign_test_gives_its_reason() -> None:
    five = TrainingSigns(name="pair", supports_claim=(True,) * 5)
    assert _judge(SignTestRule(), five).reason == "5 of 5 trainings support the claim (sign test, p = 0.031)"
    assert (
        _judge(SignTestRule(), TrainingSigns(name="pair", supports_claim=(True,))).reason
        == "1 training (at least 5)"
    )
    assert _judge(SignTestRule(), replace(five, obstacle="vgg16 collapsed")).reason == "vgg16 collapsed"


def test_every_rule_needs_all_and_is_refuted_by_one() -> None:
    rule = SuperiorityRule(combination="every")
    assert _judge(rule, BETTER, BETTER).verdict == FOR
    assert _judge(rule, BETTER, INCONCLUSIVE).verdict == OPEN
    result = _judge(rule, BETTER, WORSE, INCONCLUSIVE)
    assert result.verdict == AGAINST
    assert result.reason == (
        "1 of 3 comparisons support the claim, 1 oppose it (worse: -0.2 to -0.01; inconclusive: -0.2 to 0.3)"
    )


def test_agree_rule_needs_all_on_one_side() -> None:
    rule = SuperiorityRule(combination="agree")
    assert _judge(rule, BETTER, BETTER).verdict == FOR
    assert _judge(rule, WORSE, EQUIVALENT).verdict == AGAINST
    result = _judge(rule, BETTER, WORSE)
    assert result.verdict == OPEN
    assert result.reason.startswith("1 of 2 comparisons support the claim, 1 oppose it")


def test_shared_reason_appears_a_single_time() -> None:
    result = _judge(SuperiorityRule(combination="every"), NO_VERDICT, NO_VERDICT)
    assert (result.verdict, result.reason) == (OPEN, "1 training (at least 5)")


def test_rule_refuses_a_wrong_number_of_items() -> None:
    with raises_code("claim.item-count", "got 2"):
        _judge(SuperiorityRule(), BETTER, BETTER)
    with raises_code("claim.item-count", "got 0"):
        _judge(SuperiorityRule(combination="every"))


def test_every_rule_has_a_text() -> None:
    for claim in CLAIMS:
        assert claim.rule.description.endswith(".")
        assert ("The claim is reproduced if" in claim.rule.description) == (claim.rule.combination != "one")


def _studies(factory: type[Factory]) -> tuple[StudyEvaluation, StudyEvaluation]:
    """Return studies of CASME II at another image size and at the paper's."""
    near = factory.study()
    far = replace(near, dataset=replace(near.dataset, image_size=64), fingerprint="e" * 64)
    return evaluate_study(factory.finish(far)), evaluate_study(factory.finish(near))


def test_study_nearest_to_the_papers_settings_is_used(factory: type[Factory]) -> None:
    far, near = _studies(factory)
    for order in ([far, near], [near, far]):
        assert select_evaluation(order, "casme2", "frame", arms=("proposed",)) is near
    assert select_evaluation([far], "casme2", "frame", arms=("proposed",)) is far


def test_study_with_more_trainings_is_used_if_settings_tie(factory: type[Factory]) -> None:
    one, two = (evaluate_study(factory.finish(factory.study(seeds=seeds))) for seeds in ((0,), (0, 1)))
    for order in ([one, two], [two, one]):
        assert select_evaluation(order, "casme2", "frame", arms=("proposed",)) is two


def test_study_without_an_arm_is_not_selected(factory: type[Factory]) -> None:
    far, near = _studies(factory)
    failed = factory.finish(
        near.study, lambda spec: factory.run(spec) if spec.name == "proposed" else "no memory"
    )
    partial = evaluate_study(failed)
    assert select_evaluation([partial, far], "casme2", "frame", arms=("vgg16", "proposed")) is far
    assert select_evaluation([partial, far], "casme2", "frame", arms=("proposed",)) is partial


@pytest.mark.parametrize(
    ("dataset", "protocol", "arms", "reason"),
    [
        ("casme2", "frame", ("alexnet",), "not all of its networks have finished under frame"),
        ("casme2", "subject", ("proposed",), "not all of its networks have finished under subject"),
        ("ckplus", "frame", ("proposed",), "no study on ckplus under frame"),
    ],
)
def test_unusable_studies_give_a_reason(
    factory: type[Factory], dataset: str, protocol: str, arms: tuple[str, ...], reason: str
) -> None:
    result = select_evaluation(_studies(factory), dataset, protocol, arms=arms)
    assert result == make_not_testable_result(reason)
    assert (result.verdict, result.measured_text) == ("not testable here", "–")


def test_claims_are_about_the_papers_sets_only(factory: type[Factory]) -> None:
    studies = [
        evaluate_study(factory.finish(factory.study(dataset=dataset), lambda spec: None))
        for dataset in ("synthetic", "ckplus", "folder", "casme2")
    ]
    assert [study.study.dataset.name for study in select_paper_datasets(studies)] == ["ckplus", "casme2"]


def test_documentation_repeats_the_table_of_rules() -> None:
    page = (Path(__file__).parents[3] / "docs" / "claims.md").read_text()
    for claim in CLAIMS:
        name, combination = type(claim.rule).__name__, claim.rule.combination
        rule = name if combination == "one" else f"{name}, {combination}"
        assert f"| {claim.id} | {claim.text} | {rule} |" in page
        text = claim.rule.description.removesuffix(COMBINATION_TEXTS[combination]).strip()
        assert f"- **{name}**: {text}\n" in page
    assert all(text in page for text in COMBINATION_TEXTS.values())
