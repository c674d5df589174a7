"""Tests of the columns and notes of every score: test set, leakage, missing runs."""

from dataclasses import replace
from typing import Any

import pytest

from datasets.leakage.audit import NON_TEST_CODES, Finding
from datasets.spec import Leakage
from reports.outcomes import Outcome, evaluate_study
from reports.tables import score_columns
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import Study
from tests.reports.conftest import Built


def _proposed(built: type[Built], choose: Any = None, **study: Study) -> Outcome:
    row: Outcome = evaluate_study(built.finish(built.study(**study), choose or built.run)).select_arm(
        "proposed"
    )[0]
    return row


def _texts(built: type[Built], cells: Any) -> list[str]:
    return [built.plain(cell.text) for cell in cells]


def test_who_names_the_network_the_protocol_and_what_it_was_tested_on(built: type[Built]) -> None:
    assert _texts(built, score_columns.identity_cells(_proposed(built))) == ["proposed", "frame", "30 frames"]
    clips = _proposed(built, lambda spec: built.run(spec, frames=3), protocols=("subject",))
    assert _texts(built, score_columns.identity_cells(clips)) == ["proposed", "subject", "30 clips"]


def test_the_test_of_several_seeds_tells_their_sizes_and_how_many_are_there(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        return {0: built.run(spec), 1: built.run(spec, frames=2)}.get(spec.seed)

    assert (
        built.plain(score_columns.identity_cells(_proposed(built, seeds=(0, 1, 2)))[2].text)
        == "30 frames × 3 seeds"
    )
    two = _proposed(built, choose, seeds=(0, 1))
    assert built.plain(score_columns.identity_cells(two)[2].text) == "30 to 60 frames × 2 seeds"
    partial = _proposed(built, choose, seeds=(0, 1, 2))
    assert built.plain(score_columns.identity_cells(partial)[2].text) == "30 to 60 frames × 2 of 3 seeds"
    assert score_columns.identity_cells(_proposed(built, lambda _: None))[2].text == "–"


def test_the_leaks_of_a_score_are_shares_in_percent_that_lead_to_their_runs(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        return replace(run, data=replace(run.data, leakage=Leakage(clip=0.125, subject=1.0)))

    row = _proposed(built, choose)
    clip, subject = score_columns.leakage_cells(row)
    assert (clip.text, clip.value, subject.text, subject.value) == ("12.50", 12.5, "100.00", 100)
    assert clip.run_keys == subject.run_keys == row.run_keys != ()
    assert _texts(built, score_columns.leakage_cells(_proposed(built, lambda _: "no memory"))) == ["–", "–"]


def test_an_unknown_leak_is_no_number(built: type[Built]) -> None:
    row = _proposed(built, lambda spec: built.nameless(built.run(spec), "clip"))
    clip, subject = score_columns.leakage_cells(row)
    assert (clip.text, clip.value, subject.text) == ("unknown", None, "100.00")
    assert "Unknown: some images" in score_columns.LEAKAGE_NOTE


@pytest.mark.parametrize(
    ("leakage", "words"),
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
def test_a_sentence_on_leaks_says_what_is_unknown(leakage: Leakage, words: str) -> None:
    assert score_columns.describe_leakage(leakage) == words


def test_a_score_is_by_the_protocols_unit_or_by_frame_and_has_its_spread(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        if spec.seed:
            return built.run(spec, frames=2)
        # One clip of two frames; the second one is more confident and decides.
        wrong, right = built.predictions(((1, 1), (0, 0)))
        surer = replace(right, probabilities=(0.2, 0.8), clip=wrong.clip)
        return replace(built.run(spec), predictions=(wrong, surer))

    one = _proposed(built, choose, protocols=("subject",))
    unit = score_columns.score_cell(one, lambda scores: scores.accuracy)
    frame = score_columns.score_cell(one, lambda scores: scores.accuracy, by_frame=True)
    assert (unit.value, frame.value, frame.text, frame.run_keys) == (100, 50, "50.00", one.run_keys)
    both = _proposed(built, choose, protocols=("subject",), seeds=(0, 1))
    spread = score_columns.score_cell(both, lambda scores: scores.accuracy)
    assert built.plain(spread.text) == "93.33 ± 9.43"
    assert spread.value == pytest.approx(100 * (1 + 26 / 30) / 2)


@pytest.mark.parametrize(("answer", "text"), [("no memory", "failed"), (None, "not run")])
def test_an_accuracy_that_is_not_there_says_what_became_of_it(
    built: type[Built], answer: Any, text: str
) -> None:
    cell = score_columns.accuracy_cell(_proposed(built, lambda _: answer))
    assert (cell.text, cell.value) == (text, None)
    assert score_columns.accuracy_cell(_proposed(built)).text == "86.67"


def _leaky(built: type[Built], spec: RunSpec) -> RunResult:
    run = built.run(spec)
    if spec.protocol != "frame":
        return run
    found = tuple(
        Finding(code=code, severity="error", share=0.0, count=count, examples=(), message="")
        for code, count in (("clip-shared", 15), *((code, 30) for code in NON_TEST_CODES), ("duplicate", 3))
    )
    return replace(run, data=replace(run.data, findings=found))


def test_the_audits_stamp_is_of_each_protocol_and_leaves_out_what_the_test_has_no_part_in(
    built: type[Built],
) -> None:
    study = built.study(protocols=("frame", "subject"))
    found = evaluate_study(built.finish(study, lambda spec: _leaky(built, spec)))
    (note,) = score_columns.build_audit_notes(found.outcomes)
    assert note.endswith(
        "leak from training or validation: frame: clip-shared 50.00 %, duplicate 10.00 %; subject: clean."
    )
    assert score_columns.build_audit_notes(evaluate_study(built.finish(study, lambda _: None)).outcomes) == ()


@pytest.mark.parametrize(("found", "says"), [(False, "nothing found"), (True, "near-duplicate 10.00 %")])
def test_the_audits_stamp_is_not_clean_where_names_are_unknown(
    built: type[Built], found: bool, says: str
) -> None:
    near = Finding(code="near-duplicate", severity="warning", share=0.1, count=3, examples=(), message="")

    def choose(spec: RunSpec) -> RunResult:
        run = built.nameless(built.run(spec), "clip", "subject")
        return replace(run, data=replace(run.data, findings=(near,) if found else ()))

    (note,) = score_columns.build_audit_notes([_proposed(built, choose)])
    assert note.endswith(f"leak from training or validation: frame: {says} (clip and subject unknown).")


def test_what_failed_and_what_is_still_to_run_is_told_apart_and_counted(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | str | None:
        if spec.name == "vgg16":
            return "no memory" if spec.seed == 1 else None
        return built.run(spec)

    rows = evaluate_study(built.finish(built.study(seeds=(0, 1, 2)), choose)).outcomes
    assert score_columns.build_missing_run_notes(rows) == (
        "vgg16 under frame, seed 1: failed: no memory",
        "vgg16 under frame: 2 runs not run yet",
    )
    assert score_columns.build_missing_run_notes([row for row in rows if row.arm.name == "proposed"]) == ()


def test_a_table_says_its_floor_its_absent_classes_and_its_controls(built: type[Built]) -> None:
    absent = (*built.good[:1], (0,) * 6, *built.good[2:])
    study = replace(built.study(), controls=("shuffled-labels",))
    found = evaluate_study(built.finish(study, lambda spec: built.run(spec, absent)))
    notes = score_columns.build_score_notes(found, found.outcomes)
    assert notes[0] == score_columns.LEAKAGE_NOTE
    floor = "Always predicting disgust would give 35.71 % accuracy under frame (10 of 28 frames, seed 0)."
    assert floor in notes
    assert "Absent from a test set under frame, and therefore left out of its means: fear." in notes
    controls, left = notes[-2:]
    assert "best of 100 tries" in controls
    assert "shuffled-labels: trained on labels shuffled" in controls
    assert left.endswith("in every training set: onset-frame, identity-probe.")
    assert score_columns.build_short_notes(found.outcomes) == (
        score_columns.LEAKAGE_NOTE,
        *score_columns.build_audit_notes(found.outcomes),
        *score_columns.build_clip_list_notes(found.outcomes),
    )


def test_a_study_without_controls_says_nothing_of_them(built: type[Built]) -> None:
    found = evaluate_study(built.finish(built.study()))
    assert not [note for note in score_columns.build_score_notes(found, found.outcomes) if "ontrols" in note]


def test_the_digest_of_the_test_list_is_that_of_units_and_labels_not_of_predictions(
    built: type[Built],
) -> None:
    def digest(choose: Any = None, **study: Study) -> str:
        (note,) = score_columns.build_clip_list_notes([_proposed(built, choose, **study)])
        return note.rpartition(": ")[2]

    first = digest()
    assert first.endswith(" (30 frames).")
    assert digest(lambda spec: built.run(spec, built.collapsed)) == first
    assert digest(lambda spec: built.run(spec, built.good[::-1])) != first
    clips = digest(lambda spec: built.run(spec, frames=3), protocols=("subject",))
    assert clips.endswith(" (30 clips).")
    assert score_columns.build_clip_list_notes([_proposed(built, lambda _: None)]) == ()
