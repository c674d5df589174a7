from dataclasses import replace
from typing import Any

import pytest

from datasets.audit import Finding
from datasets.spec import Leakage
from reports.outcomes import outcomes
from reports.summary import summary

ALL_RIGHT = tuple(tuple(5 if c == r else 0 for c in range(6)) for r in range(6))


def _said(built: Any, choose: Any = None, **kwargs: Any) -> list[str]:
    kind = kwargs.pop("kind", "comparison")
    study = built.study(kind, **kwargs)
    return list(summary(outcomes(built.finish(study, choose or built.run))))


def test_names_the_best_with_its_interval_leak_and_lead(built: Any) -> None:
    def choose(spec: Any) -> Any:
        return built.run(spec, ALL_RIGHT if spec.architecture.name == "vgg16" else built.good)

    first, best, *_ = _said(built, choose)

    assert first == "Comparison on CASME II (preset paper): 2 of 2 runs finished."
    assert best.startswith(
        "Under frame the most accurate is vgg16: 100.00 % of 30 frames (no honest interval: frames of a clip"
    )
    assert "100.00 % of the test frames have their clip in training, 100.00 % their subject" in best
    assert best.endswith("Next is proposed, 13.33 points behind.")


def _of_plain_folders(built: Any, *codes: str, **stored: Any) -> Any:
    """Runs on images whose clips and subjects are unknown, with 3 test frames in a finding of each code."""

    def choose(spec: Any) -> Any:
        found = tuple(
            Finding(code=code, severity="warning", share=0.1, count=3, examples=(), text="") for code in codes
        )
        run = built.nameless(built.run(spec), "clip", "subject", **stored)
        return replace(run, data=replace(run.data, findings=found))

    return choose


@pytest.mark.parametrize("stored", [None, Leakage(clip=0.0, subject=0.0)])
def test_an_unknown_leak_is_said_with_the_audits_near_duplicates(built: Any, stored: Any) -> None:
    said = " ".join(_said(built, _of_plain_folders(built, "near-duplicate", leakage=stored)))

    assert (
        "it is unknown how many of the test frames have their clip or their subject in training, the audit "
        "finds in training or validation a near-duplicate of 10.00 % of the test frames."
    ) in said
    assert "0.00 % of the test frames have" not in said
    assert "from any row whose subjects were seen or are unknown" in said


def test_copies_are_said_beside_the_near_duplicates(built: Any) -> None:
    said = _said(built, _of_plain_folders(built, "same-bytes"))[1]

    assert "a near-duplicate of 0.00 % of the test frames and a copy of 10.00 %." in said


def test_no_share_of_near_duplicates_is_given_for_motion(built: Any) -> None:
    study = built.study()
    study = replace(study, dataset=replace(study.dataset, representation="flow"))
    said = summary(outcomes(built.finish(study, _of_plain_folders(built))))[1]

    assert "the audit looks for no near-duplicates among images of motion." in said


def test_a_tie_is_no_lead(built: Any) -> None:
    assert _said(built)[1].endswith("proposed is level with it.")


def test_the_worth_of_the_split_is_counted_in_frames_on_both_sides(built: Any) -> None:
    def choose(spec: Any) -> Any:
        return built.run(spec, ALL_RIGHT if spec.protocol == "frame" else built.collapsed, frames=2)

    said = _said(built, choose, protocols=("frame", "subject"))

    assert (
        "The split is worth 66.67 points of accuracy: counted in frames, 2 networks (of which 2 collapsed "
        "under one or both) have 100.00 % on average under frame and 33.33 % under subject."
    ) in said
    assert "Collapsed, one answer for every test sample: under subject vgg16, proposed." in said


def test_says_what_is_missing(built: Any) -> None:
    said = _said(built, lambda spec: "no memory" if spec.architecture.name == "vgg16" else None)

    assert said[0].endswith("0 of 2 runs finished, 1 failed, 1 not run.")
    assert said[1] == "Under frame nothing has finished."


def test_an_ablation_tells_what_may_be_believed_of_its_steps(built: Any) -> None:
    def choose(spec: Any) -> Any:
        cbam = spec.architecture.name == "vgg16+cbam"
        return built.answered(spec, [clip // 12 % 4 != 0 or cbam for clip in range(96)], subjects=12)

    said = _said(built, choose, kind="ablation", protocols=("subject",))

    (steps,) = [text for text in said if text.startswith("Under subject, in points of accuracy:")]
    assert "better: vgg16+cbam over vgg16 +25.00 [" in steps
    assert "worse: vgg16+cbam+residual over vgg16+cbam -25.00 [" in steps
    assert "no difference shown: vgg16+cbam+residual+separable over vgg16+cbam+residual 0.00" in steps


def test_a_score_is_held_against_the_highest_control(built: Any) -> None:
    def choose(spec: Any) -> Any:
        good = spec.control == "shuffled-labels" or spec.architecture.name == "vgg16"
        return built.answered(spec, [good or clip % 2 == 0 for clip in range(40)], subjects=8)

    study = replace(built.study(protocols=("subject",)), controls=("shuffled-labels", "identity-probe"))
    said = summary(outcomes(built.finish(study, choose)))

    (text,) = [text for text in said if "control" in text]
    assert text.startswith(
        "Under subject the highest control is shuffled-labels, 100.00 %: vgg16, proposed did not pass it; "
        "from the features of proposed the subject is read right in 50.00 %"
    )


def test_says_what_cannot_be_concluded(built: Any) -> None:
    said = " ".join(_said(built, dataset="synthetic", width=0.25))

    assert "there is one seed" in said
    assert "unseen people" in said
    assert "anything about real faces" in said
    assert "Not the paper's settings: width 0.25" in said


def test_several_seeds_under_a_strict_split_leave_nothing_open(built: Any) -> None:
    said = " ".join(_said(built, protocols=("subject",), seeds=(0, 1)))

    assert "This does not show" not in said
    assert "(mean of 2 seeds, no interval below 6 subjects that differ)" in said


def test_no_collapsed_network_is_called_the_most_accurate(built: Any) -> None:
    best = _said(built, lambda spec: built.run(spec, built.collapsed))[1]

    assert best == "Under frame no network beat always answering disgust (33.33 %): every one collapsed."


def test_the_best_of_those_that_did_not_collapse_is_below_one_answer(built: Any) -> None:
    poor = [clip % 5 == 0 for clip in range(60)]

    def choose(spec: Any) -> Any:
        right = [clip < 30 for clip in range(60)] if spec.architecture.name == "vgg16" else poor
        return built.answered(spec, right, subjects=12)

    best = _said(built, choose, protocols=("subject",))[1]

    assert best.startswith(
        "Under subject no network beat always answering disgust (50.00 %): the highest accuracy of those "
        "that did not collapse is that of proposed: 20.00 % of 60 clips ("
    )
    assert best.endswith("0.00 % of the test frames have their clip in training, 0.00 % their subject.")


def test_a_single_network_that_learned_has_no_next(built: Any) -> None:
    def choose(spec: Any) -> Any:
        return built.run(spec, built.collapsed if spec.architecture.name == "vgg16" else built.good)

    best = _said(built, choose)[1]

    assert best.startswith("Under frame the most accurate is proposed: 86.67 % of 30 frames")
    assert best.endswith("No other network beat always answering disgust (33.33 %).")


def test_one_answer_is_held_against_the_mean_over_the_seeds(built: Any) -> None:
    def choose(spec: Any) -> Any:
        return built.run(spec, built.collapsed if spec.seed else built.good)

    best = _said(built, choose, only=("vgg16",), seeds=(0, 1))[1]

    assert best.startswith("Under frame the most accurate is vgg16 (collapsed in 1 of 2 seeds): 60.00 %")


def test_long_lists_are_cut_and_counted(built: Any) -> None:
    said = _said(built, lambda spec: built.run(spec, built.collapsed), kind="ablation")

    assert (
        "Collapsed, one answer for every test sample: under frame vgg16, vgg16+cbam, vgg16+cbam+residual "
        "and 2 more below."
    ) in said


def test_a_study_is_called_by_its_heading(built: Any) -> None:
    told = summary(outcomes(built.finish(built.study())), heading="The second")

    assert told[0] == "The second: 2 of 2 runs finished."
