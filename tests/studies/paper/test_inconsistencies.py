import re

import pytest
from scipy.stats import binomtest

from architectures.catalogue import get_architecture
from harness.flop_count import count_cost
from studies.paper.inconsistencies import (
    INCONSISTENCIES,
    MOBILENET_MULTIPLY_ADDS,
    PROPOSED_MULTIPLY_ADDS,
    count_split_test_samples,
    find_inconsistencies,
)
from studies.paper.published import PAPER_ITEMS, PUBLISHED_RESULTS

TEXTS = {fault.id: fault.text for fault in INCONSISTENCIES}


def test_twelve_inconsistencies_cite_tables_or_figures() -> None:
    assert list(TEXTS) == [f"P{n}" for n in range(1, 13)]
    assert {item for fault in INCONSISTENCIES for item in fault.items} <= set(PAPER_ITEMS)


def test_block_one_matches_the_equations() -> None:
    standard = 9 * 3 * 64 * 224**2 + 9 * 64 * 64 * 224**2
    separable = 9 * 3 * 224**2 + 3 * 64 * 224**2

    assert (standard, separable) == (1_936_392_192, 10_988_544)
    assert f"{standard:,}" in TEXTS["P1"]
    assert f"{separable:,}" in TEXTS["P1"]
    assert "(3.06 %)" in TEXTS["P1"]
    assert f"remainders {463_371_520 % 7} and {14_166_144 % 7}" in TEXTS["P1"]


def test_rows_fit_in_alphabetical_order_and_not_by_name() -> None:
    assert "14, 19, 8, 22, 9, 26" in TEXTS["P2"]
    assert "has 219 test samples, and the data set has 127 fear frames" in TEXTS["P2"]


@pytest.mark.parametrize(("n", "test_count"), [(206, 21), (84, 10), (207, 22), (83, 9), (10, 1), (135, 14)])
def test_test_size_of_the_split(n: int, test_count: int) -> None:
    assert count_split_test_samples(n) == test_count


def test_ckplus_counts() -> None:
    assert "sum to 926; the stated total, 720, omits the 206 happy images" in TEXTS["P3"]
    assert "has 21 and 10 test images; Table 3 has 22 and 9, as for 207 and 83 images" in TEXTS["P3"]
    assert (
        sum(count_split_test_samples(n) for n in PUBLISHED_RESULTS["ckplus"].samples_per_class.values()) == 98
    )


def test_share_of_casme2_that_is_tested() -> None:
    assert f"{100 * 1074 / 6051:.1f} % of 6,051" in TEXTS["P4"]


def test_accuracy_that_is_no_fraction_is_the_only_one() -> None:
    def is_possible(printed: object) -> bool:
        return any(f"{100 * k / 1074:.2f}" == str(printed) for k in range(1075))

    impossible_arms = [
        arm for arm, row in PUBLISHED_RESULTS["casme2"].scores.items() if not is_possible(row.accuracy)
    ]

    assert impossible_arms == ["resnet34"]
    assert "1052/1074 is 97.95 %, 1053/1074 is 98.04 %" in TEXTS["P5"]


@pytest.mark.parametrize(("correct", "n"), [(93, 98), (92, 98), (1055, 1074), (1054, 1074)])
def test_leads_have_wilson_intervals(correct: int, n: int) -> None:
    interval = binomtest(correct, n).proportion_ci(method="wilson")

    assert f"{correct}/{n} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]" in TEXTS["P6"]


def test_papers_gains_exceed_the_total() -> None:
    assert "94.41 + 3.2 (CBAM) + 2.8 (residual) = 100.41 %" in TEXTS["P11"]


@pytest.mark.slow
def test_quoted_counts_equal_computed_ones() -> None:
    multiply_adds = [
        count_cost(get_architecture(name), num_classes=6, image_size=224).multiply_adds
        for name in ("mobilenetv3-large", "proposed")
    ]

    assert multiply_adds == [MOBILENET_MULTIPLY_ADDS, PROPOSED_MULTIPLY_ADDS]
    assert multiply_adds[1] / multiply_adds[0] == pytest.approx(10, abs=0.5)


def test_find_inconsistencies_by_item() -> None:
    assert [fault.id for fault in find_inconsistencies(["Table 5", "Section 3.1"])] == [
        "P1",
        "P2",
        "P4",
        "P7",
    ]
    assert find_inconsistencies(["Figure 9"]) == ()


def test_inconsistency_texts_are_sentences() -> None:
    for text in TEXTS.values():
        assert text.endswith(".")
        assert not re.search(r"\s{2}|[{}]", text)
