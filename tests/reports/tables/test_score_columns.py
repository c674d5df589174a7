"""Tests of the columns and notes of every score: test set, leakage, missing runs."""

import re
from dataclasses import replace
from typing import Any

import pytest

from datasets.leakage.audit import NON_TEST_CODES, Finding
from datasets.spec import Leakage
from reports.outcomes import Outcome, evaluate_study
from reports.tables import score_columns
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _outcome_of_proposed(factory: type[Factory], choose: Any = None, **study: Any) -> Outcome:
    row: Outcome = evaluate_study(factory.finish(factory.study(**study), choose or factory.run)).select_arm(
        "proposed"
    )[0]
    return row


def _texts(factory: type[Factory], cells: Any) -> list[str]:
    return [factory.replace_no_break_spaces(cell.text) for cell in cells]


def test_identity_cells_name_network_protocol_and_test_set(factory: type[Factory]) -> None:
    assert _texts(factory, score_columns.identity_cells(_outcome_of_proposed(factory))) == [
        "proposed",
        "frame",
        "30 frames",
    ]
    clips = _outcome_of_proposed(factory, lambda spec: factory.run(spec, frames=3), protocols=("subject",))
    assert _texts(factory, score_columns.identity_cells(clips)) == ["proposed", "subject", "30 clips"]


def test_test_sizes_and_counts_of_seeds_are_listed(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        return {0: factory.run(spec), 1: factory.run(spec, frames=2)}.get(spec.seed)

    assert (
        factory.replace_no_break_spaces(
            score_columns.identity_cells(_outcome_of_proposed(factory, seeds=(0, 1, 2)))[2].text
        )
        == "30 frames × 3 seeds"
    )
    two = _outcome_of_proposed(factory, choose, seeds=(0, 1))
    assert (
        factory.replace_no_break_spaces(score_columns.identity_cells(two)[2].text)
        == "30 to 60 frames × 2 seeds"
    )
    partial = _outcome_of_proposed(factory, choose, seeds=(0, 1, 2))
    assert (
        factory.replace_no_break_spaces(score_columns.identity_cells(partial)[2].text)
        == "30 to 60 frames × 2 of 3 seeds"
    )
    assert score_columns.identity_cells(_outcome_of_proposed(factory, lambda _: None))[2].text == "–"


def test_leaks_of_a_score_are_percentages_with_run_keys(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        return replace(run, data=replace(run.data, leakage=Leakage(clip=0.125, subject=1.0)))

    row = _outcome_of_proposed(factory, choose)
    clip, subject = score_columns.leakage_cells(row)
    assert (clip.text, clip.value, subject.text, subject.value) == ("12.50", 12.5, "100.00", 100)
    assert clip.run_keys == subject.run_keys == row.run_keys != ()
    assert _texts(
        factory, score_columns.leakage_cells(_outcome_of_proposed(factory, lambda _: "no memory"))
    ) == ["–", "–"]


def test_unknown_leak_is_no_number(factory: type[Factory]) -> None:
    row = _outcome_of_proposed(factory, lambda spec: factory.nameless(factory.run(spec), "clip"))
    clip, subject = score_columns.leakage_cells(row)
    assert (clip.text, clip.value, subject.text) == ("unknown", None, "100.00")
    assert "Unknown: some images" in score_columns.LEAKAGE_NOTE


@pytest.mark.parametrize(
    ("leakage", "text"),
    [
        (
            Leakage(clip=0.5, subject=1.0),
            "50.00 % of the test frames have their clip in training, 100.00 % their subject",
        ),
        (
            Leakage(clip=None, subject=1.0),
            "of the test frames, an unknown share have their clip in training and 100.00 % have their "
            "subject in training",
        ),
        (
            Leakage(clip=0.0, subject=None),
            "of the test frames, 0.00 % have their clip in training and an unknown share have their subject "
            "in training",
        ),
        (
            Leakage(clip=None, subject=None),
            "it is unknown how many of the test frames have their clip or their subject in training",
        ),
    ],
)
def test_leakage_text_names_unknown_overlaps(leakage: Leakage, text: str) -> None:
    assert score_columns.describe_leakage(leakage) == text


def test_score_has_its_unit_and_deviation(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        if spec.seed:
            return factory.run(spec, frames=2)
        # One clip of two frames; the second one is more confident and decides.
        wrong, right = factory.predictions(((1, 1), (0, 0)))
        surer = replace(right, probabilities=(0.2, 0.8), clip=wrong.clip)
        return replace(factory.run(spec), predictions=(wrong, surer))

    one = _outcome_of_proposed(factory, choose, protocols=("subject",))
    unit = score_columns.score_cell(one, lambda scores: scores.accuracy)
    frame = score_columns.score_cell(one, lambda scores: scores.accuracy, by_frame=True)
    assert (unit.value, frame.value, frame.text, frame.run_keys) == (100, 50, "50.00", one.run_keys)
    both = _outcome_of_proposed(factory, choose, protocols=("subject",), seeds=(0, 1))
    spread = score_columns.score_cell(both, lambda scores: scores.accuracy)
    assert factory.replace_no_break_spaces(spread.text) == "93.33 ± 9.43"
    assert spread.value == pytest.approx(100 * (1 + 26 / 30) / 2)


@pytest.mark.parametrize(("outcome", "text"), [("no memory", "failed"), (None, "not run")])
def test_missing_accuracy_has_its_status(factory: type[Factory], outcome: Any, text: str) -> None:
    cell = score_columns.accuracy_cell(_outcome_of_proposed(factory, lambda _: outcome))
    assert (cell.text, cell.value) == (text, None)
    assert score_columns.accuracy_cell(_outcome_of_proposed(factory)).text == "86.67"


def _leaky(factory: type[Factory], spec: RunSpec) -> RunResult:
    run = factory.run(spec)
    if spec.protocol != "frame":
        return run
    findings = tuple(
        Finding(code=code, severity="error", share=0.0, count=count, examples=(), message="")
        for code, count in (("clip-shared", 15), *((code, 30) for code in NON_TEST_CODES), ("duplicate", 3))
    )
    return replace(run, data=replace(run.data, findings=findings))


def test_audit_note_covers_protocols_and_findings_of_the_test(
    factory: type[Factory],
) -> None:
    study = factory.study(protocols=("frame", "subject"))
    study_result = evaluate_study(factory.finish(study, lambda spec: _leaky(factory, spec)))
    (note,) = score_columns.build_audit_notes(study_result.outcomes)
    assert note.endswith(
        "leak from training or validation: frame: clip-shared 50.00 %, duplicate 10.00 %; subject: clean."
    )
    assert (
        score_columns.build_audit_notes(evaluate_study(factory.finish(study, lambda _: None)).outcomes) == ()
    )


@pytest.mark.parametrize(
    ("has_finding", "text"), [(False, "nothing found"), (True, "near-duplicate 10.00 %")]
)
def test_audit_note_is_not_clean_with_unknown_names(
    factory: type[Factory], has_finding: bool, text: str
) -> None:
    near = Finding(code="near-duplicate", severity="warning", share=0.1, count=3, examples=(), message="")

    def choose(spec: RunSpec) -> RunResult:
        run = factory.nameless(factory.run(spec), "clip", "subject")
        return replace(run, data=replace(run.data, findings=(near,) if has_finding else ()))

    (note,) = score_columns.build_audit_notes([_outcome_of_proposed(factory, choose)])
    assert note.endswith(f"leak from training or validation: frame: {text} (clip and subject unknown).")


def test_failed_and_pending_runs_have_separate_counts(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | str | None:
        if spec.name == "vgg16":
            return "no memory" if spec.seed == 1 else None
        return factory.run(spec)

    rows = evaluate_study(factory.finish(factory.study(seeds=(0, 1, 2)), choose)).outcomes
    assert score_columns.build_missing_run_notes(rows) == (
        "vgg16 under frame, seed 1: failed: no memory",
        "vgg16 under frame: 2 runs not run yet",
    )
    assert score_columns.build_missing_run_notes([row for row in rows if row.arm.name == "proposed"]) == ()


def test_notes_list_majority_absent_classes_and_controls(factory: type[Factory]) -> None:
    absent = (*factory.good[:1], (0,) * 6, *factory.good[2:])
    study = replace(factory.study(), controls=("shuffled-labels",))
    study_result = evaluate_study(factory.finish(study, lambda spec: factory.run(spec, absent)))
    notes = score_columns.build_score_notes(study_result, study_result.outcomes)
    assert notes[0] == score_columns.LEAKAGE_NOTE
    floor = "Always predicting disgust would give 35.71 % accuracy under frame (10 of 28 frames, seed 0)."
    assert floor in notes
    assert "Absent from a test set under frame, and therefore left out of its means: fear." in notes
    controls, left = notes[-2:]
    assert "best of 100 tries" in controls
    assert "shuffled-labels: trained on labels shuffled" in controls
    assert left.endswith("in every training set: onset-frame, identity-probe.")
    assert score_columns.build_short_notes(study_result.outcomes) == (
        score_columns.LEAKAGE_NOTE,
        *score_columns.build_audit_notes(study_result.outcomes),
        *score_columns.build_clip_list_notes(study_result.outcomes),
    )


def test_study_without_controls_has_no_note_on_them(factory: type[Factory]) -> None:
    study_result = evaluate_study(factory.finish(factory.study()))
    assert not [
        note
        for note in score_columns.build_score_notes(study_result, study_result.outcomes)
        if "ontrols" in note
    ]


def test_the_digest_of_the_test_list_is_that_of_units_and_labels_not_of_predictions(
    factory: type[Factory],
) -> None:
    def digest(choose: Any = None, **study: Any) -> str:
        (note,) = score_columns.build_clip_list_notes([_outcome_of_proposed(factory, choose, **study)])
        return note.rpartition(": ")[2]

    first = digest()
    assert first.endswith(" (30 frames).")
    assert digest(lambda spec: factory.run(spec, factory.collapsed)) == first
    assert digest(lambda spec: factory.run(spec, factory.good[::-1])) != first
    clips = digest(lambda spec: factory.run(spec, frames=3), protocols=("subject",))
    assert clips.endswith(" (30 clips).")
    (note,) = score_columns.build_clip_list_notes(
        [
            _outcome_of_proposed(
                factory,
                lambda spec: factory.run(spec, factory.good[:: -1 if spec.split_seed else 1]),
                split_seeds=(0, 1),
            )
        ]
    )
    assert len(re.findall(r"\b[0-9a-f]{12}\b", note)) == 2
    assert score_columns.build_clip_list_notes([_outcome_of_proposed(factory, lambda _: None)]) == ()
