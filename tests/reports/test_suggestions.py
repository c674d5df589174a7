from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.suggestions import suggest_next_runs
from studies.results import RunResult, StudyResult
from studies.spec import RunSpec
from studies.statistics import power
from studies.study import build_null_arm
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)


def _choose(
    factory: type[Factory], *, subjects: int = 12, clips: tuple[int, ...] = (8,) * 12, moved: bool = False
) -> Any:
    """Return a function that makes runs on 96 clips; `clips` counts the data set's clips per subject."""

    def choose(spec: RunSpec) -> RunResult:
        right = [c % 5 != (spec.seed if moved else 0) for c in range(96)]
        run = factory.run_from_correctness(spec, right, subjects=subjects)
        return replace(run, data=replace(run.data, subject_clips=clips))

    return choose


def _suggestions(factory: type[Factory], choose: Any, **kwargs: Any) -> list[str]:
    kwargs.setdefault("protocols", ("subject",))
    return _list_texts(factory.finish(factory.study(**kwargs), choose))


def _list_texts(result: StudyResult) -> list[str]:
    """Return each suggestion with its command."""
    suggestions = suggest_next_runs(evaluate_study(result))
    return [f"{suggestion.text} {suggestion.code}".rstrip() for suggestion in suggestions]


def test_too_few_trainings_name_the_command_and_its_cost(factory: type[Factory]) -> None:
    """Each run took 6.25 s; 2 of 10 cells exist, and the other 8 take 50 s."""
    assert _suggestions(factory, _choose(factory)) == [
        "Verdicts need 5 trainings of each network. This command, with your other options, reuses 2 cells of "
        "this study and runs 8, which takes about 0:00:50 (h:min:s), one at a time at the mean time of the "
        "finished cells. harness compare --dataset casme2 --preset paper --protocol subject --seeds 5"
    ]


@pytest.mark.parametrize("replacement", [None, "no memory"])
def test_failed_and_pending_cells_count_as_new(factory: type[Factory], replacement: Any) -> None:
    """Two protocols, two arms and five seeds are 20 cells; `vgg16` lacks one cell per protocol."""
    complete = _choose(factory)

    def choose(spec: RunSpec) -> Any:
        return replacement if (spec.architecture.name, spec.seed) == ("vgg16", 4) else complete(spec)

    (suggestion,) = _suggestions(factory, choose, protocols=("frame", "subject"), seeds=FIVE)

    assert "--protocol frame,subject --seeds 5" in suggestion
    assert "reuses 18 cells of this study and runs 2, which takes about 0:00:12 (" in suggestion


def test_study_of_more_seeds_is_completed_with_its_seeds(factory: type[Factory]) -> None:
    """The study has seven seeds; vgg16 has only the last four."""
    complete = _choose(factory)

    def choose(spec: RunSpec) -> Any:
        return None if spec.architecture.name == "vgg16" and spec.seed < 3 else complete(spec)

    (suggestion,) = _suggestions(factory, choose, seeds=tuple(range(7)))

    assert "Verdicts need 5 trainings" in suggestion
    assert "reuses 11 cells of this study and runs 3," in suggestion
    assert suggestion.endswith(" --seeds 7")


def test_null_arm_counts_as_the_arm_that_it_is(factory: type[Factory]) -> None:
    base = factory.study(protocols=("subject",), seeds=(0, 1))
    study = replace(base, arms=(*base.arms, build_null_arm(base.arms[1])))
    (suggestion,) = _list_texts(factory.finish(study, _choose(factory)))

    assert "reuses 6 cells of this study and runs 9," in suggestion


def test_suggestion_with_a_recorded_command_needs_no_other_options(factory: type[Factory]) -> None:
    result = factory.finish(factory.study(protocols=("subject",)), _choose(factory, subjects=4))
    (text,) = _list_texts(replace(result, commands=("harness compare --root a --protocol subject",)))

    assert "fewer. This command tests all 96 clips of 12 subjects" in text
    assert text.endswith(" harness compare --root a --protocol kfold --folds 10")


def test_study_with_all_its_verdicts_needs_no_advice(factory: type[Factory]) -> None:
    assert _suggestions(factory, _choose(factory), seeds=FIVE) == []
    assert _suggestions(factory, lambda _: None) == [], "no finished run lacks a verdict"


def test_too_few_test_subjects_point_to_kfold(factory: type[Factory]) -> None:
    """Ten folds of 9 clips, one training each, with the noise assumed for synthetic faces."""
    plan = power.ComparisonPlan(cluster_sizes=(9,) * 10, trainings_per_arm=1, family_size=1, by_fold=True)
    smallest = power.compute_planned_detectable_difference(plan, power.SYNTHETIC_FACES_NOISE)

    assert smallest is not None
    assert _suggestions(factory, _choose(factory, subjects=4)) == [
        "Verdicts need at least 6 test subjects; protocol subject has fewer. This command, with your other "
        "options, tests all 96 clips of 12 subjects and would detect a difference of "
        f"{100 * smallest:.1f} points ({power.SYNTHETIC_FACES_NOISE.source}). "
        "harness compare --dataset casme2 --preset paper --protocol kfold --folds 10"
    ]


def test_measured_noise_replaces_assumed_noise(factory: type[Factory]) -> None:
    """More trainings would not help, so the advice concerns only subjects."""
    (suggestion,) = _suggestions(factory, _choose(factory, subjects=4, moved=True), seeds=(0, 1))

    assert suggestion.startswith("Verdicts need at least 6 test subjects")
    assert " points (measured on 4 finished trainings of this study). harness compare" in suggestion


def test_test_of_a_single_subject_points_to_kfold(factory: type[Factory]) -> None:
    (suggestion,) = _suggestions(factory, _choose(factory, subjects=1), seeds=FIVE)

    assert "tests all 96 clips of 12 subjects" in suggestion


def test_data_of_few_subjects_can_give_no_verdict(factory: type[Factory]) -> None:
    assert _suggestions(factory, _choose(factory, subjects=4, clips=(24,) * 4)) == [
        "Verdicts need at least 6 test subjects; protocol subject has fewer. These data have 4 subjects, so "
        "no protocol can give a verdict."
    ]


def test_unknown_subject_count_is_not_too_few(factory: type[Factory]) -> None:
    (suggestion,) = _suggestions(factory, _choose(factory, subjects=4, clips=()))

    assert "tests the clips of all subjects; these runs do not store their number." in suggestion
    assert suggestion.endswith(" --protocol kfold")


def test_protocols_have_separate_advice(factory: type[Factory]) -> None:
    few, enough = _choose(factory, subjects=4), _choose(factory)

    seeds, subjects = _suggestions(
        factory,
        lambda spec: (few if spec.protocol == "subject" else enough)(spec),
        protocols=("frame", "subject"),
    )

    assert seeds.startswith("Verdicts need 5 trainings")
    assert subjects.startswith("Verdicts need at least 6 test subjects; protocol subject has fewer.")


@pytest.mark.parametrize("seeds", [(0,), FIVE])
def test_no_advice_that_would_not_help(factory: type[Factory], seeds: Any) -> None:
    """More trainings of the same weights, or more subjects without names, give no verdict."""
    complete = _choose(factory)

    assert (
        _suggestions(factory, lambda spec: replace(complete(spec), has_fixed_weights=True), seeds=seeds) == []
    )
    assert _suggestions(factory, lambda spec: factory.nameless(complete(spec), "subject"), seeds=seeds) == []


@pytest.mark.parametrize(
    ("protocol", "subjects_differ", "expected"),
    [
        (
            "subject",
            True,
            "between subjects. This command, with your other options, tests all subjects, which narrows the "
            "intervals. harness compare --dataset casme2 --preset paper --protocol kfold",
        ),
        ("loso", True, "between subjects. Only data with more subjects narrow the intervals."),
        (
            "subject",
            False,
            "between training seeds. This command, with your other options, narrows the intervals. "
            "harness compare --dataset casme2 --preset paper --protocol subject --seeds 10",
        ),
    ],
)
def test_inconclusive_difference_names_its_largest_source(
    factory: type[Factory], protocol: str, subjects_differ: bool, expected: str
) -> None:
    def choose(spec: RunSpec) -> RunResult:
        is_first = spec.architecture.name == "vgg16"
        shift = spec.seed % 2 == is_first
        right = [
            (c % 12 < 6) == is_first if subjects_differ else (c // 12) % 8 < 4 + 2 * shift for c in range(96)
        ]
        return factory.run_from_correctness(spec, right, subjects=12)

    (suggestion,) = _suggestions(factory, choose, protocols=(protocol,), seeds=FIVE)

    assert suggestion.startswith(f"Under {protocol}, 1 difference is inconclusive, mostly because of")
    assert expected in suggestion
