import pytest

from studies.statistics.verdicts import Estimate, Verdict, decide_verdict


def _estimate(value: float = 0.0, **changes: object) -> Estimate:
    values: dict[str, object] = {
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "p": 0.5,
        "standard_error": 0.04,
        "df": 10.0,
        "subject_se": 0.03,
        "training_se": 0.02,
        "split_se": 0.0,
        "cluster_count": 20,
        "training_count": 5,
        "unit_count": 100,
    }
    return Estimate(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("estimate", "word"),
    [
        (_estimate(0.2, low=0.01, high=0.39, p=0.049), "better"),
        (_estimate(-0.2, low=-0.39, high=-0.01, p=0.049), "worse"),
        (_estimate(0.2, low=0.0, high=0.4, p=0.05), "inconclusive"),
        (_estimate(0.01, low=-0.05, high=0.05), "equivalent"),
        (_estimate(0.01, low=-0.04, high=0.051), "inconclusive"),
        (_estimate(0.03, low=0.02, high=0.04, p=0.001), "better"),
    ],
)
def test_enough_trainings_and_subjects_give_a_verdict(estimate: Estimate, word: str) -> None:
    assert decide_verdict(estimate, margin=0.05) == Verdict(label=word)  # type: ignore[arg-type]


def test_wider_margin_turns_inconclusive_into_equivalent() -> None:
    estimate = _estimate(0.01, low=-0.06, high=0.08)

    assert decide_verdict(estimate, margin=0.05).label == "inconclusive"
    assert decide_verdict(estimate, margin=0.1).describe(0.1) == "equivalent within ±10 points"


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (
            _estimate(0.3, p=0.001, is_conditional=True, training_count=1),
            "no verdict: 1 training (at least 5)",
        ),
        (
            _estimate(0.3, p=0.001, is_conditional=True, training_count=4),
            "no verdict: 4 trainings (at least 5)",
        ),
        (_estimate(0.3, p=0.06, cluster_count=5), "no verdict: too few subjects (5, at least 6)"),
    ],
)
def test_insufficient_data_give_no_verdict_with_a_reason(estimate: Estimate, text: str) -> None:
    assert decide_verdict(estimate, margin=0.05).describe(0.05) == text


def test_obstacle_and_collapse_precede_the_numbers() -> None:
    clear = _estimate(0.3, low=0.2, high=0.4, p=0.001)

    assert decide_verdict(clear, margin=0.05, obstacle="weights do not vary").describe(0.05) == (
        "no verdict: weights do not vary"
    )
    assert decide_verdict(clear, margin=0.05, has_collapsed=True).label == "both collapsed"


def test_few_units_that_all_agree_are_not_equivalent() -> None:
    agree = _estimate(0.0, low=0.0, high=0.0, p=1.0, unit_count=59)

    assert decide_verdict(agree, margin=0.05).label == "inconclusive"
    assert (
        decide_verdict(_estimate(0.0, low=0.0, high=0.0, p=1.0, unit_count=60), margin=0.05).label
        == "equivalent"
    )
