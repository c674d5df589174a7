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
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)


def _ladder(
    factory: type[Factory], right: Any, *, seeds: tuple[int, ...] = FIVE, subjects: int = 12
) -> StudyEvaluation:
    """Return a ladder under `subject`; right(name, c, seed) is True if arm `name` has clip c correct."""

    def choose(spec: RunSpec) -> RunResult:
        name = spec.architecture.name
        return factory.run_from_correctness(
            spec, [right(name, c, spec.seed) for c in range(96)], subjects=subjects
        )

    return evaluate_study(
        factory.finish(factory.study("ablation", protocols=("subject",), seeds=seeds), choose)
    )


def _better_cbam(name: str, clip: int, seed: int) -> bool:
    """Every arm misses one clip per training; the arms other than CBAM also miss every fourth clip."""
    missed = clip == 13 * seed
    return not missed and (clip // 12 % 4 != 0 or name == "vgg16+cbam")


def test_rungs_are_compared_with_the_previous_one(factory: type[Factory]) -> None:
    study = _ladder(factory, _better_cbam)
    differences = compute_differences(study, "subject")

    assert [(pair.before, pair.after) for pair in differences] == list(
        pairwise(study.select_protocol("subject"))
    )
    assert [pair.verdict.label for pair in differences] == ["better", "worse", "equivalent", "equivalent"]
    assert differences[0].value == pytest.approx(-differences[1].value)
    assert 0.2 < differences[0].value < 0.3
    assert {pair.training_count for pair in differences} == {5}
    assert {(pair.wins, pair.losses, pair.mcnemar_p) for pair in differences} == {(None, None, None)}


def test_one_training_gives_no_verdict_however_clear_its_interval(factory: type[Factory]) -> None:
    first = compute_differences(_ladder(factory, _better_cbam, seeds=(0,)), "subject")[0]

    assert first.estimate is not None
    assert first.estimate.low is not None
    assert first.estimate.low > 0
    assert first.verdict.describe(0.05) == "no verdict: 1 training (at least 5)"
    assert (first.wins, first.losses) == (24 - 1, 0), "clip 0 is missed by both"
    assert first.mcnemar_p == pytest.approx(2 * 0.5**23)


@pytest.mark.parametrize("seeds", [1, 4])
def test_intervals_of_few_trainings_are_marked_as_conditional(factory: type[Factory], seeds: int) -> None:
    table = build_difference_table(_ladder(factory, _better_cbam, seeds=tuple(range(seeds))))

    assert table is not None
    assert all(text.endswith(" (these networks only)") for text in factory.column(table, "95 % interval"))
    assert [note for note in table.notes if "conditional on these trained networks" in note]
    enough = build_difference_table(_ladder(factory, _better_cbam))
    assert enough is not None
    assert not [text for text in factory.column(enough, "95 % interval") if "networks" in text]
    assert not [note for note in enough.notes if "conditional" in note]


def test_five_subjects_are_too_few_whatever_the_trainings(factory: type[Factory]) -> None:
    study = _ladder(factory, _better_cbam, subjects=5)
    table = build_difference_table(study)

    assert table is not None
    assert set(factory.column(table, "Verdict")) == {"no verdict: too few subjects (5, at least 6)"}
    assert set(factory.column(table, "95 % interval")) == {"–"}
    assert (
        compute_differences(_ladder(factory, _better_cbam, subjects=6), "subject")[0].verdict.label
        == "better"
    )


def test_single_subject_is_an_obstacle(factory: type[Factory]) -> None:
    (difference, *_) = compute_differences(_ladder(factory, _better_cbam, subjects=1), "subject")

    assert difference.verdict.describe(0.05) == "no verdict: the test set has a single subject"
    assert difference.estimate is None
    assert difference.value > 0.2, "the table still has the difference"


@pytest.mark.parametrize("seeds", [(0,), FIVE])
def test_mcnemar_appears_for_a_single_training_without_a_verdict(factory: type[Factory], seeds: Any) -> None:
    table = build_difference_table(_ladder(factory, _better_cbam, subjects=3, seeds=seeds))

    assert table is not None
    assert set(factory.column(table, "Verdict")) == {"no verdict: too few subjects (3, at least 6)"}
    assert (factory.column(table, "p (McNemar)")[0] == "<0.001") is (seeds == (0,))
    assert (factory.column(table, "Wins–losses")[0] == "23–0") is (seeds == (0,))
    assert bool([note for note in table.notes if "verdicts do not depend on it" in note]) is (seeds == (0,))


def test_pair_excludes_trainings_missing_in_one_arm(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        if spec.seed == 1 and spec.architecture.name == "vgg16":
            return None
        return factory.run_from_correctness(spec, [spec.seed != 1] * 24, subjects=8)

    study = evaluate_study(factory.finish(factory.study(protocols=("subject",), seeds=FIVE), choose))
    (only,) = compute_differences(study, "subject")

    assert only.training_count == 4
    assert only.value == 0, "only training 1 of the other arm has no clip correct"
    assert only.verdict.describe(0.05) == "no verdict: 4 trainings (at least 5)"


def test_family_with_different_trainings_is_still_controlled_as_one(factory: type[Factory]) -> None:
    """A pair with fewer trainings is tested separately; all p-values are corrected for the family of two."""

    def right(name: str, clip: int, seed: int) -> bool:
        return clip // 12 % 8 > {"proposed": 0, "vgg16": 1, "resnet34": 1}[name] or clip % 12 == seed

    def choose(spec: RunSpec) -> RunResult | None:
        name = spec.architecture.name
        if name == "resnet34" and spec.seed == 5:
            return None
        return factory.run_from_correctness(spec, [right(name, c, spec.seed) for c in range(96)], subjects=12)

    study = evaluate_study(
        factory.finish(
            factory.study(
                only=("vgg16", "resnet34", "proposed"), protocols=("subject",), seeds=tuple(range(6))
            ),
            choose,
        )
    )
    pairs = [(difference.before, difference.after) for difference in compute_differences(study, "subject")]
    separate = [judge_pairs([pair], metric="accuracy", margin=0.05)[0].estimate for pair in pairs]
    family = [difference.estimate for difference in compute_differences(study, "subject")]

    assert [difference.training_count for difference in compute_differences(study, "subject")] == [6, 5]
    for one, of_two in zip(separate, family, strict=True):
        assert one is not None
        assert of_two is not None
        assert one.p is not None
        assert of_two.p == pytest.approx(min(1.0, 2 * one.p)), "Bonferroni's share of a family of two"


def test_proposal_is_compared_with_every_other_network(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run_from_correctness(spec, [True] * 24, subjects=8)

    study = factory.study(only=("vgg16", "proposed", "resnet34"), protocols=("subject",))
    table = build_difference_table(evaluate_study(factory.finish(study, choose)))

    assert table is not None
    assert factory.column(table, "From") == ["vgg16", "resnet34"]
    assert set(factory.column(table, "To")) == {"proposed"}
    assert factory.column(table, "Clip overlap") == ["0.00", "0.00"]


def test_single_arm_has_no_difference_table(factory: type[Factory]) -> None:
    single_arm = factory.study(only=("proposed",))
    assert build_difference_table(evaluate_study(factory.finish(single_arm))) is None
    unrun = factory.study()
    assert build_difference_table(evaluate_study(factory.finish(unrun, lambda _: None))) is None


def _collapsed_ladder(factory: type[Factory], *names: str) -> StudyEvaluation:
    """Return a ladder under `subject`; the named arms predict only class 0, the class of 48 of 96 clips."""

    def right(name: str, clip: int, seed: int) -> bool:
        return clip < 48 if name in names else clip % 8 != 7 and clip != 13 * seed

    return _ladder(factory, right)


def test_two_collapsed_arms_get_no_verdict_and_leave_the_family(factory: type[Factory]) -> None:
    study = _collapsed_ladder(factory, "vgg16", "vgg16+cbam")
    table = build_difference_table(study)
    differences = compute_differences(study, "subject")

    assert table is not None
    assert [difference.after.collapsed_count for difference in differences] == [5, 0, 0, 0]
    assert factory.column(table, "Verdict")[:2] == ["both collapsed", "better"]
    for name in ("95 % interval", "p (McNemar)", "p"):
        assert factory.column(table, name)[0] == "–"
    rest = judge_pairs(
        [(difference.before, difference.after) for difference in differences[1:]],
        metric="accuracy",
        margin=0.05,
    )
    assert [difference.estimate for difference in rest] == [
        difference.estimate for difference in differences[1:]
    ], "a family of three"


def test_collapsed_arm_is_marked_in_text(factory: type[Factory]) -> None:
    (statement,) = describe_verdicts(_collapsed_ladder(factory, "vgg16", "vgg16+cbam"), "subject")
    text = statement.text

    assert text.startswith("Under subject, in points of accuracy (exploratory): better: ")
    assert "better: vgg16+cbam+residual over vgg16+cbam (collapsed in 5 of 5 seeds) +3" in text
    assert text.endswith("both collapsed: vgg16+cbam and vgg16.")


def test_long_family_is_cut_after_the_largest(factory: type[Factory]) -> None:
    study = factory.study(only=(), protocols=("subject",), seeds=FIVE)
    names = [arm.name for arm in study.arms if arm.name != "proposed"]

    def choose(spec: RunSpec) -> RunResult:
        wrong = 12 * names.index(spec.architecture.name) if spec.architecture.name in names else 0
        return factory.run_from_correctness(spec, [clip >= wrong for clip in range(96)], subjects=12)

    (statement,) = describe_verdicts(evaluate_study(factory.finish(study, choose)), "subject")
    text = statement.text

    assert f"better: proposed over {names[5]} +62.50 [" in text
    assert f"proposed over {names[3]} +37.50" in text
    assert f"over {names[2]}" not in text
    assert "and 2 more below" in text
    assert f"equivalent within ±5 points: proposed over {names[0]} 0.00 [" in text


def _matrix(factory: type[Factory], spec: RunSpec, missed: dict[int, int]) -> RunResult:
    """Return a run on 8 subjects with 10 clips of class 0 and 2 of class 1, `missed` of each class wrong.

    A wrong clip is predicted as class 2, which no clip has. Every training but the first misses one more
    clip of class 0.
    """
    run = factory.run_from_correctness(spec, [True] * 96, subjects=8)
    rows = []
    for index, prediction in enumerate(run.predictions):
        subject, clip = index % 8, index // 8
        truth = int(clip >= 10)
        wrong = clip - 10 * truth < missed[truth] or (clip == 9 and subject == spec.seed - 1)
        predicted = 2 if wrong else truth
        shares = tuple(0.9 if c == predicted else 0.02 for c in range(6))
        rows.append(replace(prediction, truth=truth, probabilities=shares))
    return replace(run, predictions=tuple(rows))


@pytest.mark.parametrize(
    ("metric", "value", "word"),
    [
        ("accuracy", -1 / 12, "worse"),
        ("uar", (0.5 - 0.2) / 2, "better"),
    ],
)
def test_studys_metric_decides(factory: type[Factory], metric: Any, value: float, word: str) -> None:
    """`proposed` misses 2 of 10 clips of the common class, `vgg16` 1 of 2 of the rare one."""
    study = replace(factory.study(protocols=("subject",), seeds=FIVE), metric=metric)

    def choose(spec: RunSpec) -> RunResult:
        proposed = spec.architecture.name == "proposed"
        return _matrix(factory, spec, {0: 2, 1: 0} if proposed else {0: 0, 1: 1})

    scored = evaluate_study(factory.finish(study, choose))
    (difference,) = compute_differences(scored, "subject")
    table = build_difference_table(scored)

    assert difference.value == pytest.approx(value)
    assert difference.verdict.label == word
    assert table is not None
    name = {"accuracy": "accuracy", "uar": "UAR"}[metric]
    assert table.title == f"Differences of {name} in points, with verdicts"
    assert next(describe_verdicts(scored, "subject")).text.startswith(
        f"Under subject, in points of {name} (exploratory): "
    )


def test_uf1_decides_if_selected(factory: type[Factory]) -> None:
    """F1 of class 0 with 2 of 10 missed: 16/(10+8); of class 1 with 1 of 2 missed: 2/(2+1)."""
    study = replace(factory.study(protocols=("subject",), seeds=(0,)), metric="uf1")

    def choose(spec: RunSpec) -> RunResult:
        proposed = spec.architecture.name == "proposed"
        return _matrix(factory, spec, {0: 2, 1: 0} if proposed else {0: 0, 1: 1})

    (difference,) = compute_differences(evaluate_study(factory.finish(study, choose)), "subject")

    assert difference.value == pytest.approx(((16 / 18 + 1) - (1 + 2 / 3)) / 2)


def test_verdicts_are_exploratory_without_a_logged_plan(factory: type[Factory]) -> None:
    result = factory.finish(factory.study(protocols=("subject",)))
    for confirmatory, word in ((False, "exploratory"), (True, "confirmatory")):
        study = evaluate_study(replace(result, is_confirmatory=confirmatory))
        table = build_difference_table(study)
        assert table is not None
        assert [note for note in table.notes if note.startswith(f"These verdicts are {word}: ")]
        assert next(describe_verdicts(study, "subject")).text.startswith(
            f"Under subject, in points of accuracy ({word}): "
        )


def _null_study(factory: type[Factory], gain: int) -> StudyEvaluation:
    """Return two networks and a null arm with `gain` of 8 clips per subject more correct than `proposed`."""
    base = factory.study(protocols=("subject",), seeds=FIVE)
    study = replace(base, arms=(*base.arms, build_null_arm(base.arms[1])))

    def choose(spec: RunSpec) -> RunResult:
        count = 6 + gain * spec.architecture.name.endswith("(null)") - (spec.architecture.name == "vgg16")
        seed = spec.seed % 1_000_000
        return factory.run_from_correctness(
            spec, [c // 12 < count or c == 95 - 13 * seed for c in range(96)], subjects=12
        )

    return evaluate_study(factory.finish(study, choose))


def test_null_arm_is_a_row_outside_the_family(factory: type[Factory]) -> None:
    study = _null_study(factory, 0)
    difference, (only,) = compute_null_difference(study, "subject"), compute_differences(study, "subject")
    table = build_difference_table(study)

    assert difference is not None
    assert table is not None
    assert (difference.before.arm.name, difference.after.arm.name) == ("proposed", "proposed (null)")
    assert (difference.value, difference.training_count, difference.verdict.label) == (0, 5, "equivalent")
    assert (only.before.arm.name, only.after.arm.name) == ("vgg16", "proposed")
    assert factory.column(table, "To") == ["proposed", "proposed (null)"]
    assert factory.column(table, "Verdict") == ["better", "equivalent within ±5 points"]
    assert [note for note in table.notes if note.startswith("The null arm is the same architecture")]
    assert "null" not in " ".join(pair.text for pair in describe_verdicts(study, "subject"))


def test_null_arm_that_differs_has_a_verdict(factory: type[Factory]) -> None:
    difference = compute_null_difference(_null_study(factory, 2), "subject")

    assert difference is not None
    assert difference.verdict.label == "better"
    assert compute_null_difference(_ladder(factory, _better_cbam, seeds=(0,)), "subject") is None


def _random_ladder(factory: type[Factory], number: int) -> StudyEvaluation:
    """Return a ladder with random accuracies of arms, subjects and trainings."""
    rng = Random(number)
    arms = {arm.name: rng.choice((0.5, 0.55, 0.7)) for arm in build_ablation_arms("ladder")}
    moves: dict[tuple[str, int], float] = {}

    def right(name: str, clip: int, seed: int) -> bool:
        subject, training = (f"{name} {clip % 12}", -1), (name, seed)
        for key, spread in ((subject, 0.1), (training, 0.05)):
            moves.setdefault(key, rng.gauss(0, spread))
        return rng.random() < arms[name] + moves[subject] + moves[training]

    return _ladder(factory, right, seeds=tuple(range(5 + number % 2)))


@pytest.mark.parametrize("number", range(12))
def test_interval_p_and_verdict_are_consistent(factory: type[Factory], number: int) -> None:
    for pair in compute_differences(_random_ladder(factory, number), "subject"):
        assert pair.estimate is not None
        low, high, p = pair.estimate.low, pair.estimate.high, pair.estimate.p
        assert low is not None
        assert high is not None
        assert p is not None
        assert low <= pair.value <= high
        assert (p < 0.05) == (low > 0 or high < 0)
        assert (pair.verdict.label == "better") == (low > 0)
        assert (pair.verdict.label == "worse") == (high < 0)
        if pair.verdict.label == "equivalent":
            assert -0.05 <= low <= high <= 0.05


def test_family_is_named_by_its_reference(factory: type[Factory]) -> None:
    ladder, own = factory.study("ablation"), ArchitectureSpec(name="tiny", network="user")

    def describe(design: str, *more: ArchitectureSpec) -> str:
        return describe_family(replace(ladder, design=design, arms=(*build_ablation_arms(design), *more)))

    assert describe_family(factory.study()) == "each arm against proposed"
    assert describe("placebo") == "each arm against proposed"
    assert describe("add-one-in") == "each arm against vgg16-bn-gap"
    assert describe("ladder", own) == "each rung against the one before, tiny against proposed"
    assert describe("factorial", own) == "tiny against proposed"
