from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from studies.clusters import Interval
from studies.statistics.mcnemar import exact
from studies.statistics.verdicts import Pair, Word, judged

TOO_FEW = Interval(estimate=0.0, low=None, high=None, p=None, clusters=4, samples=20)


def _pair(
    difference: float = 0.0,
    *,
    ends: tuple[float, float] = (-0.2, 0.2),
    p: float = 0.5,
    counts: tuple[int, int] | None = None,
    interval: Interval | None = None,
) -> Pair:
    wins, losses = counts or (None, None)
    told = Interval(estimate=difference, low=ends[0], high=ends[1], p=p, clusters=20, samples=100)
    return Pair(
        first="a", second="b", difference=difference, wins=wins, losses=losses, interval=interval or told
    )


@pytest.mark.parametrize(
    ("pair", "word"),
    [
        (_pair(0.1, p=0.049, ends=(0.01, 0.2)), "better"),
        (_pair(-0.1, p=0.049, ends=(-0.2, -0.01)), "worse"),
        (_pair(0.01, p=0.3, ends=(-0.05, 0.05)), "no difference shown"),
        (_pair(0.01, p=0.3, ends=(-0.04, 0.051)), "too small a test to tell"),
        (_pair(0.3, p=0.05, ends=(0.0, 0.6)), "too small a test to tell"),
        (_pair(0.03, p=0.001, ends=(0.02, 0.04)), "better"),
        (_pair(0.3, interval=TOO_FEW), "too small a test to tell"),
    ],
)
def test_a_pair_alone_gets_its_word(pair: Pair, word: Word) -> None:
    (judgement,) = judged([pair])

    assert judgement.word == word
    assert judgement.pair == pair
    assert judgement.p == judgement.adjusted == pair.interval.p


def test_p_is_adjusted_after_holm_in_the_order_of_the_pairs() -> None:
    judgements = judged([_pair(0.1, p=0.04), _pair(0.1, p=0.01), _pair(-0.1, p=0.02), _pair(0.1, p=0.03)])

    assert [judgement.p for judgement in judgements] == [0.04, 0.01, 0.02, 0.03]
    assert [judgement.adjusted for judgement in judgements] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert [judgement.word == "better" for judgement in judgements] == [False, True, False, False]


@pytest.mark.parametrize("seed", range(20))
def test_adjusted_ps_are_those_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Rounded, so that some are equal and some are 0 or 1.
    raw = [float(p) for p in rng.uniform(0, 1, size=seed + 1).round(seed % 3 + 1)]

    judgements = judged([_pair(0.1, p=p) for p in raw])

    assert [judgement.adjusted for judgement in judgements] == list(multipletests(raw, method="holm")[1])


def test_a_pair_without_p_costs_the_others_nothing() -> None:
    judgements = judged(
        [_pair(interval=TOO_FEW), _pair(0.1, p=0.01), _pair(interval=TOO_FEW), _pair(0.1, p=0.02)]
    )

    assert [judgement.adjusted for judgement in judgements] == [None, 0.02, None, 0.02]


def test_two_collapsed_arms_get_no_verdict_and_cost_the_others_nothing() -> None:
    both = replace(_pair(0.2, p=0.001, counts=(9, 0)), collapsed=True)
    judgements = judged([both, _pair(0.1, p=0.04)], independent=True)

    assert [judgement.word for judgement in judgements] == ["both collapsed", "better"]
    assert [judgement.p for judgement in judgements] == [None, 0.04]
    assert [judgement.adjusted for judgement in judgements] == [None, 0.04]
    assert both.mcnemar is None


def test_the_interval_decides_where_there_is_one() -> None:
    pair = _pair(0.1, p=0.5, counts=(9, 1))

    assert pair.mcnemar == exact(9, 1) < 0.05
    assert [judged([pair], independent=told)[0].p for told in (True, False)] == [0.5, 0.5]


def test_mcnemar_is_not_asked_where_units_depend_on_each_other() -> None:
    pair = _pair(0.1, counts=(9, 1), interval=TOO_FEW)

    assert judged([pair])[0].p is None
    assert judged([pair])[0].word == "too small a test to tell"


@pytest.mark.parametrize(
    ("counts", "word"),
    [((0, 6), "worse"), ((0, 5), "too small a test to tell"), ((0, 0), "too small a test to tell")],
)
def test_too_few_subjects_leave_it_to_mcnemar(counts: tuple[int, int], word: Word) -> None:
    judgement = judged([_pair(-0.1, counts=counts, interval=TOO_FEW)], independent=True)[0]

    assert (judgement.p, judgement.word) == (exact(*counts), word)


def test_the_margin_says_what_matters() -> None:
    pair = _pair(0.01, ends=(-0.08, 0.09))

    assert judged([pair])[0].word == "too small a test to tell"
    assert judged([pair], margin=0.1)[0].word == "no difference shown"


def test_no_pairs_no_judgements() -> None:
    assert judged([]) == ()


def test_refuses_a_margin_of_nothing() -> None:
    with pytest.raises(ValueError, match="got 0"):
        judged([_pair()], margin=0)
