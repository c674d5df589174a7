import numpy as np
import pytest

from studies.clusters import mean_over_clusters
from studies.statistics.mcnemar import DISCORDANCE
from studies.statistics.mcnemar import smallest_difference as by_mcnemar
from studies.statistics.power import smallest_difference

SIZES = (3, 4, 5, 7, 8, 8, 9, 12, 15, 20)


def test_the_stated_difference_is_found_by_the_test_that_decides() -> None:
    planted = smallest_difference(SIZES)
    assert planted is not None
    discordance = max(DISCORDANCE, planted)
    subjects = np.repeat(np.arange(len(SIZES)), SIZES)
    drawn = np.random.default_rng(5)
    found = 0
    for _ in range(600):
        chance = drawn.random(len(subjects))
        better, differs = chance < (discordance + planted) / 2, chance < discordance
        p = mean_over_clusters(np.where(better, 1.0, np.where(differs, -1.0, 0.0)), subjects).p
        found += p is not None and p < 0.05

    assert 0.75 <= found / 600 <= 0.87


def test_more_clips_and_more_subjects_show_less() -> None:
    few, clips, subjects = (smallest_difference(sizes) for sizes in ((6,) * 8, (18,) * 8, (6,) * 24))
    assert few is not None
    assert clips is not None
    assert subjects is not None
    assert max(clips, subjects) < few


def test_too_few_subjects_leave_it_to_mcnemar_over_the_clips() -> None:
    assert smallest_difference((8, 9, 7)) == by_mcnemar(24)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1,) * 5])
def test_a_test_that_shows_nothing_says_so(sizes: tuple[int, ...]) -> None:
    assert smallest_difference(sizes) is None
