from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from architectures.spec import ArchitectureSpec
from reports.arm_differences import compute_differences, compute_null_difference, judge_pairs
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.differences import build_difference_table, describe_family, describe_verdicts
from studies.arms import build_ablation_arms
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import build_null_arm
from tests.reports.conftest import Built

FIVE = (0, 1, 2, 3, 4)


def _ladder(
    built: type[Built], right: Any, *, seeds: tuple[int, ...] = FIVE, subjects: int = 12
) -> StudyEvaluation:
    """Return a ladder under `subject`; right(name, c, seed) tells if arm `name` has clip c correct."""

    def choose(spec: RunSpec) -> RunResult:
        name = spec.architecture.name
        return built.answered(spec, [right(name, c, spec.seed) for c in range(96)], subjects=subjects)

    return evaluate_study(built.finish(built.study("ablation", protocols=("subject",), seeds=seeds), choose))


def _better_cbam(name: str, clip: int, seed: int) -> bool:
    """Every arm misses one clip per training; the arms other than CBAM also miss every fourth clip."""
    missed = clip == 13 * seed
    return not missed and (clip // 12 % 4 != 0 or name == "vgg16+cbam")


def test_each_rung_is_judged_against_the_one_before(built: type[Built]) -> None:
    study = _ladder(built, _better_cbam)
    found = compute_differences(study, "subject")

    assert [(each.before, each.after) for each in found] == list(pairwise(study.select_protocol("subject")))
    assert [each.verdict.label for each in found] == ["better", "worse", "equivalent", "equivalent"]
    assert found[0].value == pytest.approx(-found[1].value)
    assert 0.2 < found[0].value < 0.3
    assert {each.training_count for each in found} == {5}
    assert {(each.wins, each.losses, each.mcnemar_p) for each in found} == {(None, None, None)}


def test_one_training_gives_no_verdict_however_clear_its_interval(built: type[Built]) -> None:
    first = compute_differences(_ladder(built, _better_cbam, seeds=(0,)), "subject")[0]

    assert first.estimate is not None
    assert first.estimate.low is not None
    assert first.estimate.low > 0
    assert first.verdict.describe(0.05) == "no verdict: 1 training (at least 5)"
    assert (first.wins, first.losses) == (24 - 1, 0), "clip 0 is missed by both"
    assert first.mcnemar_p == pytest.approx(2 * 0.5**23)


@pytest.mark.parametrize("seeds", [1, 4])
def test_intervals_of_few_trainings_are_marked_as_conditional(built: type[Built], seeds: int) -> None:
    table = build_difference_table(_ladder(built, _better_cbam, seeds=tuple(range(seeds))))

    assert table is not None
    assert all(text.endswith(" (these networks only)") for text in built.column(table, "95 % interval"))
    assert [note for note in table.notes if "conditional on these trained networks" in note]
    enough = build_difference_table(_ladder(built, _better_cbam))
    assert enough is not None
    assert not [text for text in built.column(enough, "95 % interval") if "networks" in text]
    assert not [note for note in enough.notes if "conditional" in note]


def test_five_subjects_are_too_few_whatever_the_trainings(built: type[Built]) -> None:
    study = _ladder(built, _better_cbam, subjects=5)
    table = build_difference_table(study)

    assert table is not None
    assert set(built.column(table, "Verdict")) == {"no verdict: too few subjects (5, at least 6)"}
    assert set(built.column(table, "95 % interval")) == {"–"}
    assert (
        compute_differences(_ladder(built, _better_cbam, subjects=6), "subject")[0].verdict.label == "better"
    )


def test_a_single_subject_is_an_obstacle(built: type[Built]) -> None:
    (found, *_) = compute_differences(_ladder(built, _better_cbam, subjects=1), "subject")

    assert found.verdict.describe(0.05) == "no verdict: the test set has a single subject"
    assert found.estimate is None
    assert found.value > 0.2, "the difference itself is shown all the same"


@pytest.mark.parametrize("seeds", [(0,), FIVE])
def test_mcnemar_decides_nothing_and_is_shown_for_one_training_alone(built: type[Built], seeds: Any) -> None:
    table = build_difference_table(_ladder(built, _better_cbam, subjects=3, seeds=seeds))

    assert table is not None
    assert set(built.column(table, "Verdict")) == {"no verdict: too few subjects (3, at least 6)"}
    assert (built.column(table, "p (McNemar)")[0] == "<0.001") is (seeds == (0,))
    assert (built.column(table, "Wins–losses")[0] == "23–0") is (seeds == (0,))
    assert bool([note for note in table.notes if "verdicts do not depend on it" in note]) is (seeds == (0,))


def test_trainings_that_one_arm_lacks_are_left_out_of_the_pair(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        if spec.seed == 1 and spec.architecture.name == "vgg16":
            return None
        return built.answered(spec, [spec.seed != 1] * 24, subjects=8)

    study = evaluate_study(built.finish(built.study(protocols=("subject",), seeds=FIVE), choose))
    (only,) = compute_differences(study, "subject")

    assert only.training_count == 4
    assert only.value == 0, "training 1 of the other arm alone answers everything wrong"
    assert only.verdict.describe(0.05) == "no verdict: 4 trainings (at least 5)"


def test_a_family_with_different_trainings_is_still_controlled_as_one(built: type[Built]) -> None:
    """A pair with fewer trainings is tested separately; all p-values are corrected for the family of two."""

    def right(name: str, clip: int, seed: int) -> bool:
        return clip // 12 % 8 > {"proposed": 0, "vgg16": 1, "resnet34": 1}[name] or clip % 12 == seed

    def choose(spec: RunSpec) -> RunResult | None:
        name = spec.architecture.name
        if name == "resnet34" and spec.seed == 5:
            return None
        return built.answered(spec, [right(name, c, spec.seed) for c in range(96)], subjects=12)

    study = evaluate_study(
        built.finish(
            built.study(
                only=("vgg16", "resnet34", "proposed"), protocols=("subject",), seeds=tuple(range(6))
            ),
            choose,
        )
    )
    pairs = [(each.before, each.after) for each in compute_differences(study, "subject")]
    alone = [judge_pairs([pair], metric="accuracy", margin=0.05)[0].estimate for pair in pairs]
    family = [each.estimate for each in compute_differences(study, "subject")]

    assert [each.training_count for each in compute_differences(study, "subject")] == [6, 5]
    for one, of_two in zip(alone, family, strict=True):
        assert one is not None
        assert of_two is not None
        assert one.p is not None
        assert of_two.p == pytest.approx(min(1.0, 2 * one.p)), "Bonferroni's share of a family of two"


def test_the_proposal_stands_against_every_other_network(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.answered(spec, [True] * 24, subjects=8)

    study = built.study(only=("vgg16", "proposed", "resnet34"), protocols=("subject",))
    table = build_difference_table(evaluate_study(built.finish(study, choose)))

    assert table is not None
    assert built.column(table, "From") == ["vgg16", "resnet34"]
    assert set(built.column(table, "To")) == {"proposed"}
    assert built.column(table, "Clip overlap") == ["0.00", "0.00"]


def test_nothing_to_compare_is_no_table(built: type[Built]) -> None:
    alone = built.study(only=("proposed",))
    assert build_difference_table(evaluate_study(built.finish(alone))) is None
    unrun = built.study()
    assert build_difference_table(evaluate_study(built.finish(unrun, lambda _: None))) is None


def _fallen(built: type[Built], *names: str) -> StudyEvaluation:
    """Return a ladder under `subject`; the named arms predict only class 0, the class of 48 of 96 clips."""

    def right(name: str, clip: int, seed: int) -> bool:
        return clip < 48 if name in names else clip % 8 != 7 and clip != 13 * seed

    return _ladder(built, right)


def test_two_collapsed_arms_get_no_verdict_and_leave_the_family(built: type[Built]) -> None:
    study = _fallen(built, "vgg16", "vgg16+cbam")
    table = build_difference_table(study)
    found = compute_differences(study, "subject")

    assert table is not None
    assert [each.after.collapsed_count for each in found] == [5, 0, 0, 0]
    assert built.column(table, "Verdict")[:2] == ["both collapsed", "better"]
    for name in ("95 % interval", "p (McNemar)", "p"):
        assert built.column(table, name)[0] == "–"
    rest = judge_pairs([(each.before, each.after) for each in found[1:]], metric="accuracy", margin=0.05)
    assert [each.estimate for each in rest] == [each.estimate for each in found[1:]], "a family of three"


def test_a_collapsed_arm_is_marked_in_words(built: type[Built]) -> None:
    (statement,) = describe_verdicts(_fallen(built, "vgg16", "vgg16+cbam"), "subject")
    said = statement.text

    assert said.startswith("Under subject, in points of accuracy (exploratory): better: ")
    assert "better: vgg16+cbam+residual over vgg16+cbam (collapsed in 5 of 5 seeds) +3" in said
    assert said.endswith("both collapsed: vgg16+cbam and vgg16.")


def test_a_long_family_is_cut_after_the_largest(built: type[Built]) -> None:
    study = built.study(only=(), protocols=("subject",), seeds=FIVE)
    names = [arm.name for arm in study.arms if arm.name != "proposed"]

    def choose(spec: RunSpec) -> RunResult:
        wrong = 12 * names.index(spec.architecture.name) if spec.architecture.name in names else 0
        return built.answered(spec, [clip >= wrong for clip in range(96)], subjects=12)

    (statement,) = describe_verdicts(evaluate_study(built.finish(study, choose)), "subject")
    said = statement.text

    assert f"better: proposed over {names[5]} +62.50 [" in said
    assert f"proposed over {names[3]} +37.50" in said
    assert f"over {names[2]}" not in said
    assert "and 2 more below" in said
    assert f"equivalent within ±5 points: proposed over {names[0]} 0.00 [" in said


def _matrix(built: type[Built], spec: RunSpec, missed: dict[int, int]) -> RunResult:
    """Return a run on 8 subjects with 10 clips of class 0 and 2 of class 1, `missed` of each class wrong.

    A wrong clip is predicted as class 2, which no clip has. Every training but the first misses one more
    clip of class 0.
    """
    run = built.answered(spec, [True] * 96, subjects=8)
    told = []
    for place, prediction in enumerate(run.predictions):
        subject, clip = place % 8, place // 8
        truth = int(clip >= 10)
        wrong = clip - 10 * truth < missed[truth] or (clip == 9 and subject == spec.seed - 1)
        answer = 2 if wrong else truth
        shares = tuple(0.9 if c == answer else 0.02 for c in range(6))
        told.append(replace(prediction, truth=truth, probabilities=shares))
    return replace(run, predictions=tuple(told))


@pytest.mark.parametrize(
    ("metric", "value", "word"),
    [
        ("accuracy", -1 / 12, "worse"),
        ("uar", (0.5 - 0.2) / 2, "better"),
    ],
)
def test_the_studys_metric_decides(built: type[Built], metric: Any, value: float, word: str) -> None:
    """`proposed` misses 2 of 10 clips of the common class, `vgg16` 1 of 2 of the rare one."""
    study = replace(built.study(protocols=("subject",), seeds=FIVE), metric=metric)

    def choose(spec: RunSpec) -> RunResult:
        proposed = spec.architecture.name == "proposed"
        return _matrix(built, spec, {0: 2, 1: 0} if proposed else {0: 0, 1: 1})

    scored = evaluate_study(built.finish(study, choose))
    (found,) = compute_differences(scored, "subject")
    table = build_difference_table(scored)

    assert found.value == pytest.approx(value)
    assert found.verdict.label == word
    assert table is not None
    name = {"accuracy": "accuracy", "uar": "UAR"}[metric]
    assert table.title == f"Differences of {name} in points, with verdicts"
    assert next(describe_verdicts(scored, "subject")).text.startswith(
        f"Under subject, in points of {name} (exploratory): "
    )


def test_uf1_decides_where_it_is_asked_for(built: type[Built]) -> None:
    """F1 of class 0 with 2 of 10 missed: 16/(10+8); of class 1 with 1 of 2 missed: 2/(2+1)."""
    study = replace(built.study(protocols=("subject",), seeds=(0,)), metric="uf1")

    def choose(spec: RunSpec) -> RunResult:
        proposed = spec.architecture.name == "proposed"
        return _matrix(built, spec, {0: 2, 1: 0} if proposed else {0: 0, 1: 1})

    (found,) = compute_differences(evaluate_study(built.finish(study, choose)), "subject")

    assert found.value == pytest.approx(((16 / 18 + 1) - (1 + 2 / 3)) / 2)


def test_verdicts_are_exploratory_without_a_logged_plan(built: type[Built]) -> None:
    result = built.finish(built.study(protocols=("subject",)))
    for confirmatory, word in ((False, "exploratory"), (True, "confirmatory")):
        study = evaluate_study(replace(result, is_confirmatory=confirmatory))
        table = build_difference_table(study)
        assert table is not None
        assert [note for note in table.notes if note.startswith(f"These verdicts are {word}: ")]
        assert next(describe_verdicts(study, "subject")).text.startswith(
            f"Under subject, in points of accuracy ({word}): "
        )


def _with_null(built: type[Built], gain: int) -> StudyEvaluation:
    """Return two networks and a null arm with `gain` of 8 clips per subject more correct than `proposed`."""
    base = built.study(protocols=("subject",), seeds=FIVE)
    study = replace(base, arms=(*base.arms, build_null_arm(base.arms[1])))

    def choose(spec: RunSpec) -> RunResult:
        count = 6 + gain * spec.architecture.name.endswith("(null)") - (spec.architecture.name == "vgg16")
        seed = spec.seed % 1_000_000
        return built.answered(spec, [c // 12 < count or c == 95 - 13 * seed for c in range(96)], subjects=12)

    return evaluate_study(built.finish(study, choose))


def test_the_null_arm_has_a_row_of_its_own_and_is_no_part_of_the_family(built: type[Built]) -> None:
    study = _with_null(built, 0)
    found, (only,) = compute_null_difference(study, "subject"), compute_differences(study, "subject")
    table = build_difference_table(study)

    assert found is not None
    assert table is not None
    assert (found.before.arm.name, found.after.arm.name) == ("proposed", "proposed (null)")
    assert (found.value, found.training_count, found.verdict.label) == (0, 5, "equivalent")
    assert (only.before.arm.name, only.after.arm.name) == ("vgg16", "proposed")
    assert built.column(table, "To") == ["proposed", "proposed (null)"]
    assert built.column(table, "Verdict") == ["better", "equivalent within ±5 points"]
    assert [note for note in table.notes if note.startswith("The null arm is the same architecture")]
    assert "null" not in " ".join(each.text for each in describe_verdicts(study, "subject"))


def test_a_null_arm_that_differs_is_shown_as_it_is(built: type[Built]) -> None:
    found = compute_null_difference(_with_null(built, 2), "subject")

    assert found is not None
    assert found.verdict.label == "better"
    assert compute_null_difference(_ladder(built, _better_cbam, seeds=(0,)), "subject") is None


def _random_ladder(built: type[Built], number: int) -> StudyEvaluation:
    """Return a ladder with random accuracies of arms, subjects and trainings."""
    rng = Random(number)
    arms = {arm.name: rng.choice((0.5, 0.55, 0.7)) for arm in build_ablation_arms("ladder")}
    moves: dict[tuple[str, int], float] = {}

    def right(name: str, clip: int, seed: int) -> bool:
        subject, training = (f"{name} {clip % 12}", -1), (name, seed)
        for key, spread in ((subject, 0.1), (training, 0.05)):
            moves.setdefault(key, rng.gauss(0, spread))
        return rng.random() < arms[name] + moves[subject] + moves[training]

    return _ladder(built, right, seeds=tuple(range(5 + number % 2)))


@pytest.mark.parametrize("number", range(12))
def test_interval_p_and_verdict_never_contradict_each_other(built: type[Built], number: int) -> None:
    for each in compute_differences(_random_ladder(built, number), "subject"):
        assert each.estimate is not None
        low, high, p = each.estimate.low, each.estimate.high, each.estimate.p
        assert low is not None
        assert high is not None
        assert p is not None
        assert low <= each.value <= high
        assert (p < 0.05) == (low > 0 or high < 0)
        assert (each.verdict.label == "better") == (low > 0)
        assert (each.verdict.label == "worse") == (high < 0)
        if each.verdict.label == "equivalent":
            assert -0.05 <= low <= high <= 0.05


def test_the_family_is_named_by_its_reference(built: type[Built]) -> None:
    ladder, own = built.study("ablation"), ArchitectureSpec(name="tiny", network="user")

    def of(design: str, *more: ArchitectureSpec) -> str:
        return describe_family(replace(ladder, design=design, arms=(*build_ablation_arms(design), *more)))

    assert describe_family(built.study()) == "each arm against proposed"
    assert of("placebo") == "each arm against proposed"
    assert of("add-one-in") == "each arm against vgg16-bn-gap"
    assert of("ladder", own) == "each rung against the one before, tiny against proposed"
    assert of("factorial", own) == "tiny against proposed"
