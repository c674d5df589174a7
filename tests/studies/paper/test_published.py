from decimal import ROUND_HALF_UP, Decimal

import pytest

from architectures.catalogue import COMPARISON_NETWORKS
from studies.metrics import ClassCounts, Scores
from studies.paper.published import (
    ABLATION_GAINS,
    PAPER_ITEMS,
    PUBLISHED_RESULTS,
    REFERENCE_DATASETS,
    PublishedClass,
)

ROWS = [(name, row) for name, paper in PUBLISHED_RESULTS.items() for row in paper.per_class]


def _round_percentage(share: float) -> Decimal:
    return Decimal(repr(100 * share)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _overall(rows: tuple[PublishedClass, ...]) -> Scores:
    counts = tuple(row.counts for row in rows)
    n = sum(c.tp + c.fn for c in counts)
    return Scores(
        num_samples=n,
        correct=sum(c.tp for c in counts),
        per_class=counts,
        absent_classes=(),
        is_collapsed=False,
    )


@pytest.mark.parametrize(("dataset", "row"), ROWS, ids=lambda value: getattr(value, "printed_label", value))
def test_counts_give_the_printed_percentages_by_class(dataset: str, row: PublishedClass) -> None:
    computed = (row.counts.accuracy, row.counts.precision, row.counts.recall, row.counts.f1)

    assert tuple(map(_round_percentage, computed)) == (row.accuracy, row.precision, row.recall, row.f1)


@pytest.mark.parametrize("dataset", PUBLISHED_RESULTS)
def test_counts_give_the_printed_row_of_the_proposed_network(dataset: str) -> None:
    computed = _overall(PUBLISHED_RESULTS[dataset].per_class)
    printed = PUBLISHED_RESULTS[dataset].scores["proposed"]

    percentages = tuple(
        map(_round_percentage, (computed.accuracy, computed.precision, computed.recall, computed.f1))
    )

    assert percentages == (printed.accuracy, printed.precision, printed.recall, printed.f1)


@pytest.mark.parametrize(("dataset", "n"), [("ckplus", 98), ("casme2", 1074)])
def test_classes_share_one_test_set(dataset: str, n: int) -> None:
    def size(counts: ClassCounts) -> int:
        return counts.tp + counts.tn + counts.fp + counts.fn

    rows = PUBLISHED_RESULTS[dataset].per_class

    assert {size(row.counts) for row in rows} == {n}
    assert sum(row.counts.tp + row.counts.fn for row in rows) == n


@pytest.mark.parametrize("dataset", PUBLISHED_RESULTS)
def test_names_are_those_of_the_catalogue_and_table_2(dataset: str) -> None:
    paper = PUBLISHED_RESULTS[dataset]

    assert set(paper.scores) == {arm.name for arm in COMPARISON_NETWORKS}
    assert [row.label for row in paper.per_class] == sorted(paper.samples_per_class)


def test_printed_numbers_are_unchanged() -> None:
    assert str(PUBLISHED_RESULTS["ckplus"].scores["resnet34"].mib) == "81.20"
    assert str(PUBLISHED_RESULTS["casme2"].scores["efficientnet-b0"].recall) == "96.00"
    assert str(PUBLISHED_RESULTS["ckplus"].per_class[1].recall) == "100"
    assert [str(gain) for gain in ABLATION_GAINS.values()] == ["3.2", "2.8"]


def test_table_2_adds_up_to_the_stated_total() -> None:
    ckplus, casme2 = PUBLISHED_RESULTS["ckplus"], PUBLISHED_RESULTS["casme2"]

    assert sum(casme2.samples_per_class.values()) == casme2.stated_total == 6051
    assert (
        sum(ckplus.samples_per_class.values()) - ckplus.samples_per_class["happy"]
        == ckplus.stated_total
        == 720
    )


def test_names_items_that_are_listed() -> None:
    named = {
        item
        for paper in PUBLISHED_RESULTS.values()
        for item in (
            paper.samples_figure,
            paper.per_class_table,
            paper.comparison_table,
            paper.confusion_figure,
            paper.accuracy_figure,
            paper.loss_figure,
        )
    }

    assert len(named) == 12
    assert named <= set(PAPER_ITEMS)
    assert set(REFERENCE_DATASETS.values()) <= set(PUBLISHED_RESULTS)
