"""What an interval makes of a claim, and which study may speak of one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reports.findings import Finding, by_interval, not_here, on_papers_sets, study_with
from reports.outcomes import outcomes
from studies.clusters import Interval, mean_over_clusters


def _interval(low: float | None, high: float | None, *, samples: int = 300) -> Interval:
    return Interval(estimate=0.01, low=low, high=high, p=None, clusters=20, samples=samples)


@pytest.mark.parametrize(
    ("interval", "word", "why"),
    [
        (_interval(0.001, 0.2), "reproduced", ""),
        (_interval(-0.2, -0.001), "not reproduced", "the interval lies below 0"),
        (_interval(-0.05, 0.05), "not reproduced", "the interval holds 0 and stays within ±5 points"),
        (_interval(-0.051, 0.01), "undecidable at this n", "the interval holds 0"),
        (_interval(None, None), "undecidable at this n", "too few subjects for an interval"),
    ],
)
def test_a_gain_is_judged_by_where_its_interval_lies(interval: Interval, word: str, why: str) -> None:
    assert by_interval(interval, "+1.00") == Finding(ours="+1.00", word=word, why=why)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (-0.2, 0.0), (0.0, 0.0)])
def test_an_interval_that_touches_0_holds_it(low: float, high: float) -> None:
    assert by_interval(_interval(low, high, samples=59), "").why == "the interval holds 0"


def test_few_samples_that_all_agree_do_not_show_that_nothing_is_gained() -> None:
    assert by_interval(_interval(0.0, 0.0, samples=59), "").word == "undecidable at this n"
    assert by_interval(_interval(0.0, 0.0, samples=60), "").word == "not reproduced"


def test_the_intervals_of_real_differences_are_judged_so() -> None:
    subjects = np.repeat(np.arange(10), 10)
    gains = np.tile([1.0, 0, 0, 0, 0], 20)
    assert by_interval(mean_over_clusters(gains, subjects), "").word == "reproduced"
    assert by_interval(mean_over_clusters(-gains, subjects), "").why == "the interval lies below 0"
    mixed = np.where(subjects % 2, gains, -gains)
    assert by_interval(mean_over_clusters(mixed, subjects), "").why == "the interval holds 0"
    few = mean_over_clusters(gains[:50], subjects[:50])
    assert by_interval(few, "").why == "too few subjects for an interval"


def _studies(built: Any) -> tuple[Any, Any]:
    """CASME II at a size other than the paper's, and at the paper's."""
    near = built.study()
    far = replace(near, dataset=replace(near.dataset, image_size=64), fingerprint="e" * 64)
    return outcomes(built.finish(far)), outcomes(built.finish(near))


def test_of_several_studies_the_one_nearest_the_papers_settings_speaks(built: Any) -> None:
    far, near = _studies(built)
    for order in ([far, near], [near, far]):
        assert study_with(order, "casme2", "frame", arms=("proposed",)) is near
    assert study_with([far], "casme2", "frame", arms=("proposed",)) is far


def test_a_study_nearer_the_paper_that_lacks_an_arm_leaves_the_word_to_another(built: Any) -> None:
    far, near = _studies(built)
    failed = built.finish(
        near.study, lambda spec: built.run(spec) if spec.name == "proposed" else "no memory"
    )
    partial = outcomes(failed)
    found = study_with([partial, far], "casme2", "frame", arms=("vgg16", "proposed"))
    assert found is far
    assert study_with([partial, far], "casme2", "frame", arms=("proposed",)) is partial


@pytest.mark.parametrize(
    ("dataset", "protocol", "arms", "why"),
    [
        ("casme2", "frame", ("alexnet",), "not all of its networks have finished under frame"),
        ("casme2", "subject", ("proposed",), "not all of its networks have finished under subject"),
        ("ckplus", "frame", ("proposed",), "no study on ckplus under frame"),
    ],
)
def test_where_no_study_can_speak_the_reason_is_told(
    built: Any, dataset: str, protocol: str, arms: tuple[str, ...], why: str
) -> None:
    found = study_with(_studies(built), dataset, protocol, arms=arms)
    assert found == not_here(why)
    assert (found.word, found.ours) == ("not testable here", "–")


def test_claims_are_about_the_papers_sets_alone(built: Any) -> None:
    studies = [
        outcomes(built.finish(built.study(dataset=dataset), lambda spec: None))
        for dataset in ("synthetic", "ckplus", "folder", "casme2")
    ]
    assert [study.study.dataset.name for study in on_papers_sets(studies)] == ["ckplus", "casme2"]
