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
from tests.reports.conftest import Factory

ALL_RIGHT = tuple(tuple(5 if c == r else 0 for c in range(6)) for r in range(6))


def _texts(statements: Iterable[Statement]) -> list[str]:
    return [statement.text for statement in statements]


def _summary_of(factory: type[Factory], choose: Any = None, **kwargs: Any) -> list[str]:
    kind = kwargs.pop("kind", "comparison")
    study = factory.study(kind, **kwargs)
    return _texts(summarize_study(evaluate_study(factory.finish(study, choose or factory.run))))


def _best(texts: list[str], protocol: str = "frame") -> str:
    """Return the text on the highest mean accuracy under a protocol; in verdicts a comma follows the name."""
    (text,) = [text for text in texts if text.startswith(f"Under {protocol} ")]
    return text


def test_summary_names_the_best_with_interval_and_leak(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, ALL_RIGHT if spec.architecture.name == "vgg16" else factory.good)

    texts = _summary_of(factory, choose)

    assert texts[0] == "Comparison on CASME II (preset paper): 2 of 2 runs finished."
    assert _best(texts) == (
        "Under frame the highest mean accuracy is that of vgg16: 100.00 % of 30 frames (no interval: 1 "
        "subject, at least 6 needed), F1 100.00 %; 100.00 % of the test frames have their clip in training, "
        "100.00 % their subject."
    )


def test_verdicts_precede_the_highest_accuracy(factory: type[Factory]) -> None:
    """The reader must meet "no verdict" before the number that looks like one."""
    texts = _summary_of(factory, protocols=("frame", "subject"))
    kinds = [
        "no verdict",
        "Verdicts need",
        "the highest mean accuracy",
        "These results do not show",
    ]
    positions = [next(n for n, text in enumerate(texts) if kind in text) for kind in kinds]

    assert positions == sorted(positions)
    assert [text.split(",")[0] for text in texts[1:3]] == ["Under frame", "Under subject"]
    assert not [text for text in texts if "most accurate" in text or "Next is" in text]


def _unlabelled_runs(factory: type[Factory], *codes: str, **stored: Any) -> Any:
    """Return runs without clip and subject labels, with a finding of 3 test frames per code."""

    def choose(spec: RunSpec) -> RunResult:
        findings = tuple(
            Finding(code=code, severity="warning", share=0.1, count=3, examples=(), message="")
            for code in codes
        )
        run = factory.nameless(factory.run(spec), "clip", "subject", **stored)
        return replace(run, data=replace(run.data, findings=findings))

    return choose


@pytest.mark.parametrize("stored", [None, Leakage(clip=0.0, subject=0.0)])
def test_unknown_leak_has_the_audits_near_duplicates(factory: type[Factory], stored: Any) -> None:
    text = " ".join(_summary_of(factory, _unlabelled_runs(factory, "near-duplicate", leakage=stored)))

    assert (
        "it is unknown how many of the test frames have their clip or their subject in training, the audit "
        "finds a near-duplicate of 10.00 % of the test frames in training or validation."
    ) in text
    assert "0.00 % of the test frames have" not in text
    assert "in rows with subject overlap above 0 or unknown" in text


def test_copies_are_listed_with_near_duplicates(factory: type[Factory]) -> None:
    text = _best(_summary_of(factory, _unlabelled_runs(factory, "same-bytes")))

    assert (
        "a near-duplicate of 0.00 % and a copy of 10.00 % of the test frames in training or validation."
        in text
    )


def test_motion_has_no_share_of_near_duplicates(factory: type[Factory]) -> None:
    study = factory.study()
    study = replace(study, dataset=replace(study.dataset, representation="flow"))
    text = _best(_texts(summarize_study(evaluate_study(factory.finish(study, _unlabelled_runs(factory))))))

    assert "the audit does not look for near-duplicates of motion images." in text


def test_tie_names_all_best_networks(factory: type[Factory]) -> None:
    assert _best(_summary_of(factory)).endswith("their subject. proposed has the same mean accuracy.")
    three = _summary_of(factory, only=("vgg16", "proposed", "resnet34"))
    assert _best(three).endswith(" proposed, resnet34 have the same mean accuracy.")


def _split(
    factory: type[Factory], *collapsed: str, subjects: int = 12, seeds: tuple[int, ...] = (0,)
) -> list[str]:
    """Return a summary: all correct under `frame`, half correct or collapsed under `subject`."""

    def choose(spec: RunSpec) -> RunResult:
        strict = spec.protocol == "subject"
        fallen = strict and spec.architecture.name in collapsed
        right = [c < 48 if fallen else not strict or c // 12 % 2 == (c % 6 == 0) for c in range(96)]
        run = factory.run_from_correctness(spec, right, subjects=subjects)
        frames = (replace(p, id=f"{p.clip}/{n}") for p in run.predictions for n in (0, 1))
        return replace(run, predictions=tuple(frames))

    return _summary_of(factory, choose, protocols=("frame", "subject"), seeds=seeds)


def test_accuracy_drop_counts_frames_on_both_sides(factory: type[Factory]) -> None:
    (sentence,) = [text for text in _split(factory) if "falls" in text]

    assert sentence == (
        "Mean accuracy over frames falls from 100.00 % (frame) to 50.00 % (subject), a difference of 50.00 "
        "points (95 % interval +50.00 to +50.00, for these trained networks only)."
    )
    (five,) = [text for text in _split(factory, seeds=(0, 1, 2, 3, 4)) if "falls" in text]
    assert five.endswith("points (95 % interval +50.00 to +50.00).")


def test_accuracy_drop_excludes_collapsed_networks(factory: type[Factory]) -> None:
    (sentence,) = [text for text in _split(factory, "vgg16") if "falls" in text]

    assert "to 50.00 % (subject)" in sentence
    assert sentence.endswith("; 1 of 2 networks collapsed and are left out.")
    assert not [text for text in _split(factory, "vgg16", "proposed") if "falls" in text]
    assert "Collapsed (the same prediction for every test sample): under subject vgg16." in _split(
        factory, "vgg16"
    )


def test_accuracy_drop_includes_a_network_that_collapsed_in_some_trainings(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        is_collapsed = spec.protocol == "subject" and spec.seed == 0
        return factory.run(spec, factory.collapsed if is_collapsed else factory.good)

    texts = _summary_of(factory, choose, protocols=("frame", "subject"), seeds=(0, 1))
    (sentence,) = [text for text in texts if "falls" in text]
    assert "left out" not in sentence


def test_accuracy_drop_of_few_subjects_has_no_interval(factory: type[Factory]) -> None:
    (sentence,) = [text for text in _split(factory, subjects=4) if "falls" in text]

    assert sentence.endswith("a difference of 50.00 points (no interval: too few subjects).")


def test_null_arm_is_never_the_best(factory: type[Factory]) -> None:
    base = factory.study(protocols=("subject",))
    study = replace(base, arms=(*base.arms, build_null_arm(base.arms[1])))

    def choose(spec: RunSpec) -> RunResult:
        better = spec.architecture.name.endswith("(null)")
        return factory.run_from_correctness(spec, [better or clip % 5 > 0 for clip in range(96)], subjects=12)

    texts = _texts(summarize_study(evaluate_study(factory.finish(study, choose))))

    assert "is that of vgg16: " in _best(texts, "subject")
    assert "(null)" not in " ".join(texts)


def test_summary_counts_missing_runs(factory: type[Factory]) -> None:
    texts = _summary_of(factory, lambda spec: "no memory" if spec.architecture.name == "vgg16" else None)

    assert texts[0].endswith("0 of 2 runs finished, 1 failed, 1 not run.")
    assert texts[1] == "Under frame no network has finished."


def _cbam_effect(factory: type[Factory], spec: RunSpec) -> RunResult:
    cbam = spec.architecture.name == "vgg16+cbam"
    return factory.run_from_correctness(
        spec, [clip // 12 % 4 != 0 or cbam for clip in range(96)], subjects=12
    )


def test_ablation_summary_has_verdicts_of_steps(factory: type[Factory]) -> None:
    texts = _summary_of(
        factory,
        lambda spec: _cbam_effect(factory, spec),
        kind="ablation",
        protocols=("subject",),
        seeds=(0, 1, 2, 3, 4),
    )

    assert texts[1].startswith(
        "Under subject, of 4 differences in accuracy (exploratory), 1 better: vgg16+cbam"
    )
    (verdicts,) = [text for text in texts if text.startswith("Under subject, in points of accuracy")]
    assert "better: vgg16+cbam over vgg16 +25.00 [" in verdicts
    assert "worse: vgg16+cbam+residual over vgg16+cbam -25.00 [" in verdicts
    assert (
        "equivalent within ±5 points: vgg16+cbam+residual+separable over vgg16+cbam+residual 0.00 ["
    ) in verdicts
    assert not [text for text in texts if text.startswith("Verdicts need")]


def test_one_training_gives_numbers_reason_and_command(factory: type[Factory]) -> None:
    texts = _summary_of(
        factory, lambda spec: _cbam_effect(factory, spec), kind="ablation", protocols=("subject",)
    )

    assert texts[1].endswith("4 no verdict: 1 training (at least 5).")
    assert texts[3].startswith(
        "Under subject, in points of accuracy (exploratory): no verdict, 1 training (at least 5): vgg16+cbam "
        "over vgg16 +25.00 ["
    )
    assert texts[2].startswith("Verdicts need 5 trainings of each network. This command, ")


def test_score_is_compared_with_the_highest_control(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        good = spec.variant == "shuffled-labels" or spec.architecture.name == "vgg16"
        return factory.run_from_correctness(spec, [good or clip % 2 == 0 for clip in range(40)], subjects=8)

    study = replace(factory.study(protocols=("subject",)), controls=("shuffled-labels", "identity-probe"))
    texts = _texts(summarize_study(evaluate_study(factory.finish(study, choose))))

    (text,) = [text for text in texts if "control" in text]
    assert text.startswith(
        "Under subject the best control is shuffled-labels with 100.00 % accuracy: vgg16, proposed did not "
        "exceed it; a probe on the features of proposed identifies the subject in 50.00 % ("
    )


def test_summary_lists_limits_of_the_results(factory: type[Factory]) -> None:
    text = " ".join(_summary_of(factory, dataset="synthetic", width=0.25))

    assert "there is only one split" in text
    assert "unseen people" in text
    assert "anything about real faces" in text
    assert "Not the paper's settings: width 0.25" in text


def test_two_splits_under_a_strict_protocol_have_no_limits(factory: type[Factory]) -> None:
    text = " ".join(_summary_of(factory, protocols=("subject",), split_seeds=(0, 1)))
    one = " ".join(_summary_of(factory, protocols=("subject",), seeds=(0, 1)))

    assert "These results do not show" not in text
    assert "(mean of 2 trainings, no interval: 1 subject, at least 6 needed)" in text
    assert "These results do not show: how results vary between splits" in one


def test_no_collapsed_network_has_the_highest_accuracy(factory: type[Factory]) -> None:
    best = _best(_summary_of(factory, lambda spec: factory.run(spec, factory.collapsed)))

    assert best == "Under frame no network beat always predicting disgust (33.33 %): all of them collapsed."


def test_best_network_below_the_majority_class_is_labelled(factory: type[Factory]) -> None:
    poor = [clip % 5 == 0 for clip in range(60)]

    def choose(spec: RunSpec) -> RunResult:
        right = [clip < 30 for clip in range(60)] if spec.architecture.name == "vgg16" else poor
        return factory.run_from_correctness(spec, right, subjects=12)

    best = _best(_summary_of(factory, choose, protocols=("subject",)), "subject")

    assert best.startswith(
        "Under subject no network beat always predicting disgust (50.00 %): the highest accuracy of those "
        "that did not collapse is that of proposed: 20.00 % of 60 clips ("
    )
    assert best.endswith("0.00 % of the test frames have their clip in training, 0.00 % their subject.")


def test_single_network_above_the_majority_class(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, factory.collapsed if spec.architecture.name == "vgg16" else factory.good)

    best = _best(_summary_of(factory, choose))

    assert best.startswith("Under frame the highest mean accuracy is that of proposed: 86.67 % of 30 frames")
    assert best.endswith("No other network beat always predicting disgust (33.33 %).")


def test_majority_class_is_compared_with_the_seed_mean(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, factory.collapsed if spec.seed else factory.good)

    best = _best(_summary_of(factory, choose, only=("vgg16",), seeds=(0, 1)))

    assert best.startswith(
        "Under frame the highest mean accuracy is that of vgg16 (collapsed in 1 of 2 seeds): 60.00 %"
    )


def test_long_lists_are_truncated(factory: type[Factory]) -> None:
    texts = _summary_of(factory, lambda spec: factory.run(spec, factory.collapsed), kind="ablation")

    assert (
        "Collapsed (the same prediction for every test sample): under frame vgg16, vgg16+cbam, "
        "vgg16+cbam+residual and 2 more below."
    ) in texts


def test_summary_starts_with_the_heading(factory: type[Factory]) -> None:
    texts = _texts(summarize_study(evaluate_study(factory.finish(factory.study())), heading="The second"))

    assert texts[0] == "The second: 2 of 2 runs finished."
