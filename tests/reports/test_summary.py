from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from datasets.leakage.audit import Finding
from datasets.spec import Leakage
from reports.outcomes import evaluate_study
from reports.summary import summarize_study
from reports.table import Statement
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import build_null_arm
from tests.reports.conftest import Built

ALL_RIGHT = tuple(tuple(5 if c == r else 0 for c in range(6)) for r in range(6))


def _texts(statements: Iterable[Statement]) -> list[str]:
    return [statement.text for statement in statements]


def _said(built: type[Built], choose: Any = None, **kwargs: Any) -> list[str]:
    kind = kwargs.pop("kind", "comparison")
    study = built.study(kind, **kwargs)
    return _texts(summarize_study(evaluate_study(built.finish(study, choose or built.run))))


def _best(said: list[str], protocol: str = "frame") -> str:
    """Return the text on the highest mean accuracy under a protocol; in verdicts a comma follows the name."""
    (text,) = [text for text in said if text.startswith(f"Under {protocol} ")]
    return text


def test_names_the_best_with_its_interval_and_leak(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, ALL_RIGHT if spec.architecture.name == "vgg16" else built.good)

    said = _said(built, choose)

    assert said[0] == "Comparison on CASME II (preset paper): 2 of 2 runs finished."
    assert _best(said) == (
        "Under frame the highest mean accuracy is that of vgg16: 100.00 % of 30 frames (no interval: 1 "
        "subject, at least 6 needed), F1 100.00 %; 100.00 % of the test frames have their clip in training, "
        "100.00 % their subject."
    )


def test_verdicts_stand_before_the_highest_accuracy(built: type[Built]) -> None:
    """The reader must meet "no verdict" before the number that looks like one."""
    said = _said(built, protocols=("frame", "subject"))
    kinds = [
        "no verdict",
        "Verdicts need",
        "the highest mean accuracy",
        "These results do not show",
    ]
    places = [next(n for n, text in enumerate(said) if kind in text) for kind in kinds]

    assert places == sorted(places)
    assert [text.split(",")[0] for text in said[1:3]] == ["Under frame", "Under subject"]
    assert not [text for text in said if "most accurate" in text or "Next is" in text]


def _of_plain_folders(built: type[Built], *codes: str, **stored: Any) -> Any:
    """Return runs without clip and subject labels, with a finding of 3 test frames per code."""

    def choose(spec: RunSpec) -> RunResult:
        found = tuple(
            Finding(code=code, severity="warning", share=0.1, count=3, examples=(), message="")
            for code in codes
        )
        run = built.nameless(built.run(spec), "clip", "subject", **stored)
        return replace(run, data=replace(run.data, findings=found))

    return choose


@pytest.mark.parametrize("stored", [None, Leakage(clip=0.0, subject=0.0)])
def test_an_unknown_leak_is_said_with_the_audits_near_duplicates(built: type[Built], stored: Any) -> None:
    said = " ".join(_said(built, _of_plain_folders(built, "near-duplicate", leakage=stored)))

    assert (
        "it is unknown how many of the test frames have their clip or their subject in training, the audit "
        "finds a near-duplicate of 10.00 % of the test frames in training or validation."
    ) in said
    assert "0.00 % of the test frames have" not in said
    assert "in rows with subject overlap above 0 or unknown" in said


def test_copies_are_said_beside_the_near_duplicates(built: type[Built]) -> None:
    said = _best(_said(built, _of_plain_folders(built, "same-bytes")))

    assert (
        "a near-duplicate of 0.00 % and a copy of 10.00 % of the test frames in training or validation."
        in said
    )


def test_no_share_of_near_duplicates_is_given_for_motion(built: type[Built]) -> None:
    study = built.study()
    study = replace(study, dataset=replace(study.dataset, representation="flow"))
    said = _best(_texts(summarize_study(evaluate_study(built.finish(study, _of_plain_folders(built))))))

    assert "the audit does not look for near-duplicates of motion images." in said


def test_a_tie_names_all_that_share_the_highest_accuracy(built: type[Built]) -> None:
    assert _best(_said(built)).endswith("their subject. proposed has the same mean accuracy.")
    three = _said(built, only=("vgg16", "proposed", "resnet34"))
    assert _best(three).endswith(" proposed, resnet34 have the same mean accuracy.")


def _split(
    built: type[Built], *collapsed: str, subjects: int = 12, seeds: tuple[int, ...] = (0,)
) -> list[str]:
    """Return a summary: all correct under `frame`, half correct or collapsed under `subject`."""

    def choose(spec: RunSpec) -> RunResult:
        strict = spec.protocol == "subject"
        fallen = strict and spec.architecture.name in collapsed
        right = [c < 48 if fallen else not strict or c // 12 % 2 == (c % 6 == 0) for c in range(96)]
        made = built.answered(spec, right, subjects=subjects)
        twice = (replace(p, id=f"{p.clip}/{n}") for p in made.predictions for n in (0, 1))
        return replace(made, predictions=tuple(twice))

    return _said(built, choose, protocols=("frame", "subject"), seeds=seeds)


def test_the_fall_is_counted_in_frames_on_both_sides(built: type[Built]) -> None:
    (said,) = [text for text in _split(built) if "falls" in text]

    assert said == (
        "Mean accuracy over frames falls from 100.00 % (frame) to 50.00 % (subject), a difference of 50.00 "
        "points (95 % interval +50.00 to +50.00, for these trained networks only)."
    )
    (five,) = [text for text in _split(built, seeds=(0, 1, 2, 3, 4)) if "falls" in text]
    assert five.endswith("points (95 % interval +50.00 to +50.00).")


def test_collapsed_networks_are_left_out_of_the_fall_and_counted(built: type[Built]) -> None:
    (said,) = [text for text in _split(built, "vgg16") if "falls" in text]

    assert "to 50.00 % (subject)" in said
    assert said.endswith("; 1 of 2 networks collapsed and are left out.")
    assert not [text for text in _split(built, "vgg16", "proposed") if "falls" in text]
    assert "Collapsed (the same prediction for every test sample): under subject vgg16." in _split(
        built, "vgg16"
    )


def test_the_fall_of_few_subjects_has_no_interval(built: type[Built]) -> None:
    (said,) = [text for text in _split(built, subjects=4) if "falls" in text]

    assert said.endswith("a difference of 50.00 points (no interval: too few subjects).")


def test_the_null_arm_is_never_the_best(built: type[Built]) -> None:
    base = built.study(protocols=("subject",))
    study = replace(base, arms=(*base.arms, build_null_arm(base.arms[1])))

    def choose(spec: RunSpec) -> RunResult:
        better = spec.architecture.name.endswith("(null)")
        return built.answered(spec, [better or clip % 5 > 0 for clip in range(96)], subjects=12)

    said = _texts(summarize_study(evaluate_study(built.finish(study, choose))))

    assert "is that of vgg16: " in _best(said, "subject")
    assert "(null)" not in " ".join(said)


def test_says_what_is_missing(built: type[Built]) -> None:
    said = _said(built, lambda spec: "no memory" if spec.architecture.name == "vgg16" else None)

    assert said[0].endswith("0 of 2 runs finished, 1 failed, 1 not run.")
    assert said[1] == "Under frame no network has finished."


def _cbam_alone(built: type[Built], spec: RunSpec) -> RunResult:
    cbam = spec.architecture.name == "vgg16+cbam"
    return built.answered(spec, [clip // 12 % 4 != 0 or cbam for clip in range(96)], subjects=12)


def test_an_ablation_tells_what_may_be_believed_of_its_steps(built: type[Built]) -> None:
    said = _said(
        built,
        lambda spec: _cbam_alone(built, spec),
        kind="ablation",
        protocols=("subject",),
        seeds=(0, 1, 2, 3, 4),
    )

    assert said[1].startswith(
        "Under subject, of 4 differences in accuracy (exploratory), 1 better: vgg16+cbam"
    )
    (verdicts,) = [text for text in said if text.startswith("Under subject, in points of accuracy")]
    assert "better: vgg16+cbam over vgg16 +25.00 [" in verdicts
    assert "worse: vgg16+cbam+residual over vgg16+cbam -25.00 [" in verdicts
    assert (
        "equivalent within ±5 points: vgg16+cbam+residual+separable over vgg16+cbam+residual 0.00 ["
    ) in verdicts
    assert not [text for text in said if text.startswith("Verdicts need")]


def test_one_training_tells_numbers_the_reason_and_the_command(built: type[Built]) -> None:
    said = _said(built, lambda spec: _cbam_alone(built, spec), kind="ablation", protocols=("subject",))

    assert said[1].endswith("4 no verdict: 1 training (at least 5).")
    assert said[3].startswith(
        "Under subject, in points of accuracy (exploratory): no verdict, 1 training (at least 5): vgg16+cbam "
        "over vgg16 +25.00 ["
    )
    assert said[2].startswith("Verdicts need 5 trainings of each network. Run harness ablate ")


def test_a_score_is_held_against_the_highest_control(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        good = spec.variant == "shuffled-labels" or spec.architecture.name == "vgg16"
        return built.answered(spec, [good or clip % 2 == 0 for clip in range(40)], subjects=8)

    study = replace(built.study(protocols=("subject",)), controls=("shuffled-labels", "identity-probe"))
    said = _texts(summarize_study(evaluate_study(built.finish(study, choose))))

    (text,) = [text for text in said if "control" in text]
    assert text.startswith(
        "Under subject the best control is shuffled-labels with 100.00 % accuracy: vgg16, proposed did not "
        "exceed it; a probe on the features of proposed identifies the subject in 50.00 % ("
    )


def test_says_what_cannot_be_concluded(built: type[Built]) -> None:
    said = " ".join(_said(built, dataset="synthetic", width=0.25))

    assert "there is only one split" in said
    assert "unseen people" in said
    assert "anything about real faces" in said
    assert "Not the paper's settings: width 0.25" in said


def test_several_divisions_under_a_strict_split_leave_nothing_open(built: type[Built]) -> None:
    said = " ".join(_said(built, protocols=("subject",), split_seeds=(0, 1)))
    one = " ".join(_said(built, protocols=("subject",), seeds=(0, 1)))

    assert "These results do not show" not in said
    assert "(mean of 2 trainings, no interval: 1 subject, at least 6 needed)" in said
    assert "These results do not show: how results vary between splits" in one


def test_no_collapsed_network_has_the_highest_accuracy(built: type[Built]) -> None:
    best = _best(_said(built, lambda spec: built.run(spec, built.collapsed)))

    assert best == "Under frame no network beat always predicting disgust (33.33 %): all of them collapsed."


def test_the_best_of_those_that_did_not_collapse_is_below_one_answer(built: type[Built]) -> None:
    poor = [clip % 5 == 0 for clip in range(60)]

    def choose(spec: RunSpec) -> RunResult:
        right = [clip < 30 for clip in range(60)] if spec.architecture.name == "vgg16" else poor
        return built.answered(spec, right, subjects=12)

    best = _best(_said(built, choose, protocols=("subject",)), "subject")

    assert best.startswith(
        "Under subject no network beat always predicting disgust (50.00 %): the highest accuracy of those "
        "that did not collapse is that of proposed: 20.00 % of 60 clips ("
    )
    assert best.endswith("0.00 % of the test frames have their clip in training, 0.00 % their subject.")


def test_a_single_network_that_learned_is_alone(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.collapsed if spec.architecture.name == "vgg16" else built.good)

    best = _best(_said(built, choose))

    assert best.startswith("Under frame the highest mean accuracy is that of proposed: 86.67 % of 30 frames")
    assert best.endswith("No other network beat always predicting disgust (33.33 %).")


def test_one_answer_is_held_against_the_mean_over_the_seeds(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.collapsed if spec.seed else built.good)

    best = _best(_said(built, choose, only=("vgg16",), seeds=(0, 1)))

    assert best.startswith(
        "Under frame the highest mean accuracy is that of vgg16 (collapsed in 1 of 2 seeds): 60.00 %"
    )


def test_long_lists_are_cut_and_counted(built: type[Built]) -> None:
    said = _said(built, lambda spec: built.run(spec, built.collapsed), kind="ablation")

    assert (
        "Collapsed (the same prediction for every test sample): under frame vgg16, vgg16+cbam, "
        "vgg16+cbam+residual and 2 more below."
    ) in said


def test_a_study_is_called_by_its_heading(built: type[Built]) -> None:
    told = _texts(summarize_study(evaluate_study(built.finish(built.study())), heading="The second"))

    assert told[0] == "The second: 2 of 2 runs finished."
