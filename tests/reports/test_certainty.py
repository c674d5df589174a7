from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reports.certainty import interval_in_words
from reports.numbers import percent
from reports.outcomes import outcomes
from studies.clusters import mean_over_clusters

MIXED = [clip % 12 < 7 or clip % 5 == 0 for clip in range(96)]
THREE_QUARTERS = [clip < 72 for clip in range(96)]


def _said(built: Any, *right: Sequence[bool], subjects: int = 12, protocol: str = "subject") -> str:
    """What is said of a network that answers clip c right in seed s if right[s][c]."""
    study = built.study(only=("proposed",), protocols=(protocol,), seeds=tuple(range(len(right))))
    found = built.finish(study, lambda spec: built.answered(spec, right[spec.seed], subjects=subjects))
    return interval_in_words(outcomes(found).rows[0])


def _over(values: Sequence[float], *, subjects: int = 12) -> str:
    expected = mean_over_clusters(np.array(values), [clip % subjects for clip in range(len(values))])
    assert expected.low is not None
    assert expected.high is not None
    return f"95 % interval {percent(expected.low)} to {percent(expected.high)}, over subjects"


@pytest.mark.parametrize("protocol", ["frame", "subject"])
def test_the_interval_is_over_subjects(built: Any, protocol: str) -> None:
    assert _said(built, MIXED, protocol=protocol) == _over([float(right) for right in MIXED])


def test_seeds_are_averaged_per_sample_first(built: Any) -> None:
    halves = [(first + second) / 2 for first, second in zip(MIXED, THREE_QUARTERS, strict=True)]

    assert _said(built, MIXED, THREE_QUARTERS) == f"mean of 2 seeds, {_over(halves)}"


def test_fewer_subjects_leave_it_to_the_clips(built: Any) -> None:
    assert _said(built, THREE_QUARTERS, subjects=5) == (
        "95 % interval 65.49 to 82.59, taking clips for independent"
    )
    assert _said(built, THREE_QUARTERS, MIXED, subjects=5) == (
        "mean of 2 seeds, no interval below 6 subjects that differ"
    )


def test_frames_of_few_subjects_have_no_interval(built: Any) -> None:
    assert _said(built, MIXED, subjects=5, protocol="frame") == (
        "no honest interval: frames of a clip are not independent"
    )


def test_subjects_that_all_agree_show_nothing_of_others(built: Any) -> None:
    assert _said(built, [True] * 96) == "95 % interval 96.15 to 100.00, taking clips for independent"


def test_clips_stand_for_subjects_that_are_not_told(built: Any) -> None:
    def choose(spec: Any) -> Any:
        run = built.answered(spec, MIXED, subjects=12)
        return replace(run, predictions=tuple(replace(p, subject="") for p in run.predictions))

    study = built.study(only=("proposed",), protocols=("clip",))

    assert interval_in_words(outcomes(built.finish(study, choose)).rows[0]).endswith(
        ", over clips, no subject being told"
    )
