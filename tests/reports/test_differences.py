from dataclasses import replace
from typing import Any

import pytest

from architectures.spec import ArchitectureSpec
from reports.answers import answers
from reports.differences import difference_table, differences, family_in_words, in_words
from reports.outcomes import outcomes
from studies.arms import ablation


def _ladder(built: Any, right: Any, *, seeds: tuple[int, ...] = (0,), subjects: int = 12) -> Any:
    """A ladder under `subject` whose arm `name` answers clip c right if right(name, c, seed)."""

    def choose(spec: Any) -> Any:
        name = spec.architecture.name
        return built.answered(spec, [right(name, c, spec.seed) for c in range(96)], subjects=subjects)

    return outcomes(built.finish(built.study("ablation", protocols=("subject",), seeds=seeds), choose))


def _better_cbam(name: str, clip: int, seed: int) -> bool:
    return clip // 12 % 4 != 0 or name == "vgg16+cbam"


def test_each_rung_is_judged_against_the_one_before(built: Any) -> None:
    found = differences(_ladder(built, _better_cbam), "subject")

    assert [each.judgement.word for each in found] == [
        "better",
        "worse",
        "no difference shown",
        "no difference shown",
    ]
    first = found[0].judgement
    assert first.pair.difference == pytest.approx(0.25)
    assert (first.pair.wins, first.pair.losses) == (24, 0)
    assert first.p is not None
    assert first.adjusted is not None
    assert first.adjusted == pytest.approx(4 * first.p), "Holm over a family of four"


def test_seeds_are_averaged_per_sample_before_anything_is_compared(built: Any) -> None:
    study = _ladder(built, lambda name, clip, seed: clip % 2 == seed or name == "vgg16+cbam", seeds=(0, 1))
    both = answers(study.under("subject")[:2])

    assert both is not None
    assert both.seeds == 2
    assert set(both.correct[0]) == {0.5}
    assert set(both.correct[1]) == {1.0}
    (pair, *_) = (each.judgement.pair for each in differences(study, "subject"))
    assert (pair.wins, pair.difference) == (None, 0.5)


def test_a_seed_that_one_arm_lacks_is_left_out_of_the_pair(built: Any) -> None:
    def choose(spec: Any) -> Any:
        if spec.seed == 1 and spec.architecture.name == "vgg16":
            return None
        return built.answered(spec, [True] * 24, subjects=8)

    study = outcomes(built.finish(built.study(protocols=("subject",), seeds=(0, 1)), choose))
    (only,) = differences(study, "subject")

    assert only.seeds == 1


def test_few_subjects_leave_it_to_mcnemar_over_clips_and_to_nobody_over_frames(built: Any) -> None:
    clips = _ladder(built, _better_cbam, subjects=3)
    table = difference_table(clips)
    assert table is not None
    assert built.column(table, "95 % interval")[0] == "–"
    assert built.column(table, "p (McNemar)")[0] == built.column(table, "p")[0] == "<0.001"

    def choose(spec: Any) -> Any:
        right = [_better_cbam(spec.architecture.name, c, 0) for c in range(96)]
        return built.answered(spec, right, subjects=3)

    frames = outcomes(built.finish(built.study("ablation", protocols=("frame",)), choose))
    assert [each.judgement.word for each in differences(frames, "frame")] == ["too small a test to tell"] * 4


def test_the_proposal_stands_against_every_other_network(built: Any) -> None:
    def choose(spec: Any) -> Any:
        return built.answered(spec, [True] * 24, subjects=8)

    study = built.study(only=("vgg16", "proposed", "resnet34"), protocols=("subject",))
    table = difference_table(outcomes(built.finish(study, choose)))

    assert table is not None
    assert built.column(table, "From") == ["vgg16", "resnet34"]
    assert set(built.column(table, "To")) == {"proposed"}
    assert built.column(table, "Clip seen") == ["0.00", "0.00"]


def test_nothing_to_compare_is_no_table(built: Any) -> None:
    alone = built.study(only=("proposed",))
    assert difference_table(outcomes(built.finish(alone))) is None
    unrun = built.study()
    assert difference_table(outcomes(built.finish(unrun, lambda _: None))) is None


def test_frames_of_a_clip_count_once_outside_the_papers_split(built: Any) -> None:
    def choose(spec: Any) -> Any:
        run = built.answered(spec, [True] * 24, subjects=8)
        twice = tuple(replace(p, id=f"{p.clip}/{n}") for p in run.predictions for n in (0, 1))
        return replace(run, predictions=twice)

    study = outcomes(built.finish(built.study(protocols=("subject", "frame")), choose))
    by_clip, by_frame = (answers(study.under(protocol)) for protocol in ("subject", "frame"))

    assert by_clip is not None
    assert by_frame is not None
    assert (by_clip.correct.shape, by_frame.correct.shape) == ((2, 24), (2, 48))


def _fallen(built: Any, *names: str) -> Any:
    """A ladder under `subject` on 12 subjects; the named arms answer class 0 alone, which 48 of 96 are."""

    def choose(spec: Any) -> Any:
        right = [clip < 48 if spec.architecture.name in names else clip % 8 != 7 for clip in range(96)]
        return built.answered(spec, right, subjects=12)

    return outcomes(built.finish(built.study("ablation", protocols=("subject",)), choose))


def test_two_collapsed_arms_get_no_verdict(built: Any) -> None:
    study = _fallen(built, "vgg16", "vgg16+cbam")
    table = difference_table(study)

    assert table is not None
    assert [each.after.collapsed for each in differences(study, "subject")] == [1, 0, 0, 0]
    assert built.column(table, "Verdict")[:2] == ["both collapsed", "better"]
    for name in ("95 % interval", "p (McNemar)", "p", "p (Holm)"):
        assert built.column(table, name)[0] == "–"
    second = differences(study, "subject")[1].judgement
    assert second.p is not None
    assert second.adjusted == pytest.approx(3 * second.p), "the family is of three"


def test_a_collapsed_arm_is_marked_in_words(built: Any) -> None:
    (said,) = in_words(_fallen(built, "vgg16", "vgg16+cbam"), "subject")

    assert "better: vgg16+cbam+residual over vgg16+cbam (collapsed) +37.50 [" in said
    assert said.endswith("both collapsed: vgg16+cbam and vgg16.")


def test_a_long_family_is_cut_after_the_largest(built: Any) -> None:
    study = built.study(only=(), protocols=("subject",))
    names = [arm.name for arm in study.arms if arm.name != "proposed"]

    def choose(spec: Any) -> Any:
        wrong = 12 * names.index(spec.architecture.name) if spec.architecture.name in names else 0
        return built.answered(spec, [clip >= wrong for clip in range(96)], subjects=12)

    (said,) = in_words(outcomes(built.finish(study, choose)), "subject")

    assert f"better: proposed over {names[5]} +62.50 [" in said
    assert f"proposed over {names[3]} +37.50" in said
    assert f"over {names[2]}" not in said
    assert "and 2 more below" in said


def test_the_family_is_named_by_its_reference(built: Any) -> None:
    ladder, own = built.study("ablation"), ArchitectureSpec(name="tiny", network="user")

    def of(design: str, *more: ArchitectureSpec) -> str:
        return family_in_words(replace(ladder, design=design, arms=(*ablation(design), *more)))

    assert family_in_words(built.study()) == "each arm against proposed"
    assert of("placebo") == "each arm against proposed"
    assert of("add-one-in") == "each arm against vgg16-bn-gap"
    assert of("ladder", own) == "each rung against the one before, tiny against proposed"
    assert of("factorial", own) == "tiny against proposed"
