from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.suggestions import build_command, suggest_next_runs
from studies.arms import build_ablation_arms
from studies.results import RunResult
from studies.spec import RunSpec
from studies.statistics import power
from studies.study import build_null_arm
from tests.reports.conftest import Built

FIVE = (0, 1, 2, 3, 4)


def _choose(
    built: type[Built], *, subjects: int = 12, clips: tuple[int, ...] = (8,) * 12, moved: bool = False
) -> Any:
    """Return a function that makes runs on 96 clips; `clips` counts the data set's clips per subject."""

    def choose(spec: RunSpec) -> RunResult:
        right = [c % 5 != (spec.seed if moved else 0) for c in range(96)]
        made = built.answered(spec, right, subjects=subjects)
        return replace(made, data=replace(made.data, subject_clips=clips))

    return choose


def _advised(built: type[Built], choose: Any, **kwargs: Any) -> list[str]:
    kwargs.setdefault("protocols", ("subject",))
    return list(suggest_next_runs(evaluate_study(built.finish(built.study(**kwargs), choose))))


def test_too_few_trainings_name_the_command_and_its_cost(built: type[Built]) -> None:
    """Each run took 6.25 s; 2 of 10 cells exist, and the other 8 take 50 s."""
    assert _advised(built, _choose(built)) == [
        "Verdicts need 5 trainings of each network. Run harness compare --dataset casme2 --preset paper "
        "--protocol subject --seeds 5 with your other options: it reuses 2 cells and runs 8, which takes "
        "about 0:00:50 (h:min:s), one at a time at the mean time of the finished cells."
    ]


@pytest.mark.parametrize("lost", [None, "no memory"])
def test_cells_that_failed_or_were_not_run_are_counted_as_new(built: type[Built], lost: Any) -> None:
    """Two protocols, two arms and five seeds are 20 cells; `vgg16` lacks one cell per protocol."""
    whole = _choose(built)

    def choose(spec: RunSpec) -> Any:
        return lost if (spec.architecture.name, spec.seed) == ("vgg16", 4) else whole(spec)

    (said,) = _advised(built, choose, protocols=("frame", "subject"), seeds=FIVE)

    assert "--protocol frame,subject --seeds 5" in said
    assert "it reuses 18 cells and runs 2, which takes about 0:00:12 (" in said


def test_a_study_of_more_trainings_is_finished_as_it_was_planned(built: type[Built]) -> None:
    """The study has seven seeds; vgg16 has only the last four."""
    whole = _choose(built)

    def choose(spec: RunSpec) -> Any:
        return None if spec.architecture.name == "vgg16" and spec.seed < 3 else whole(spec)

    (said,) = _advised(built, choose, seeds=tuple(range(7)))

    assert "Verdicts need 5 trainings" in said
    assert "--seeds 7 with your other options: it reuses 11 cells and runs 3," in said


def test_a_null_arm_counts_as_the_arm_that_it_is(built: type[Built]) -> None:
    base = built.study(protocols=("subject",), seeds=(0, 1))
    study = replace(base, arms=(*base.arms, build_null_arm(base.arms[1])))
    (said,) = suggest_next_runs(evaluate_study(built.finish(study, _choose(built))))

    assert "it reuses 6 cells and runs 9," in said


def test_the_command_names_the_design(built: type[Built]) -> None:
    ladder = built.study("ablation")
    other = replace(ladder, design="leave-one-out", arms=build_ablation_arms("leave-one-out"))

    assert build_command(ladder, "--seeds 5") == "harness ablate --dataset casme2 --preset paper --seeds 5"
    assert build_command(other) == "harness ablate --dataset casme2 --design leave-one-out --preset paper"
    assert build_command(built.study(dataset="ckplus")) == "harness compare --dataset ckplus --preset paper"


def test_a_study_with_all_its_verdicts_needs_no_advice(built: type[Built]) -> None:
    assert _advised(built, _choose(built), seeds=FIVE) == []
    assert _advised(built, lambda _: None) == [], "nothing has finished that a verdict could be missing on"


def test_too_few_test_subjects_point_to_kfold(built: type[Built]) -> None:
    """Ten folds of 9 clips, one training each, with the noise assumed for synthetic faces."""
    plan = power.ComparisonPlan(cluster_sizes=(9,) * 10, trainings_per_arm=1, family_size=1, by_fold=True)
    least = power.compute_planned_detectable_difference(plan, power.SYNTHETIC_FACES_NOISE)

    assert least is not None
    assert _advised(built, _choose(built, subjects=4)) == [
        "Verdicts need at least 6 test subjects; protocol subject has fewer. harness compare --dataset "
        "casme2 --preset paper --protocol kfold tests all 96 clips of 12 subjects and would detect a "
        "difference of "
        f"{100 * least:.1f} points ({power.SYNTHETIC_FACES_NOISE.source})."
    ]


def test_noise_that_the_study_measured_takes_the_place_of_assumed_noise(built: type[Built]) -> None:
    """More trainings would not help, so the advice concerns only subjects."""
    (said,) = _advised(built, _choose(built, subjects=4, moved=True), seeds=(0, 1))

    assert said.startswith("Verdicts need at least 6 test subjects")
    assert said.endswith(" points (measured on 4 finished trainings of this study).")


def test_a_test_of_a_single_subject_points_to_kfold(built: type[Built]) -> None:
    (said,) = _advised(built, _choose(built, subjects=1), seeds=FIVE)

    assert "--protocol kfold tests all 96 clips of 12 subjects" in said


def test_data_of_few_subjects_can_give_no_verdict(built: type[Built]) -> None:
    assert _advised(built, _choose(built, subjects=4, clips=(24,) * 4)) == [
        "Verdicts need at least 6 test subjects; protocol subject has fewer. These data have 4 subjects, so "
        "no protocol can give a verdict."
    ]


def test_an_unknown_number_of_subjects_is_not_taken_for_too_few(built: type[Built]) -> None:
    (said,) = _advised(built, _choose(built, subjects=4, clips=()))

    assert "--protocol kfold tests the clips of all subjects; these runs do not store their number." in said


def test_each_protocol_gets_the_advice_that_it_needs(built: type[Built]) -> None:
    few, enough = _choose(built, subjects=4), _choose(built)

    seeds, subjects = _advised(
        built,
        lambda spec: (few if spec.protocol == "subject" else enough)(spec),
        protocols=("frame", "subject"),
    )

    assert seeds.startswith("Verdicts need 5 trainings")
    assert subjects.startswith("Verdicts need at least 6 test subjects; protocol subject has fewer.")


@pytest.mark.parametrize("seeds", [(0,), FIVE])
def test_no_advice_that_would_not_help(built: type[Built], seeds: Any) -> None:
    """More trainings of the same weights, or more subjects without names, give no verdict."""
    whole = _choose(built)

    assert _advised(built, lambda spec: replace(whole(spec), has_fixed_weights=True), seeds=seeds) == []
    assert _advised(built, lambda spec: built.nameless(whole(spec), "subject"), seeds=seeds) == []
