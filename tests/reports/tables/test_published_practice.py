from collections.abc import Sequence
from dataclasses import replace

import pytest

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.study_sections import build_study_section
from reports.table import Summary
from reports.tables.published_practice import build_practice_summary, build_practice_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

LEFT, RIGHT, NEITHER = (0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2)


def _evaluate(
    factory: type[Factory],
    *,
    records: Sequence[Sequence[tuple[int, ...]]],
    clean_right: Sequence[bool] = (True, True, False, False),
) -> StudyEvaluation:
    """Evaluate a study of two folds with two clips of class 0 and two of class 1 each.

    `records` are the epochs of each fold. `clean_right` says which clips of a fold the clean network answers
    correctly.
    """

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, list(clean_right), subjects=1)
        predictions = tuple(
            replace(p, id=f"{spec.fold} {p.id}", clip=f"{spec.fold} {p.clip}", subject=f"{spec.fold}")
            for p in run.predictions
        )
        return replace(
            run,
            predictions=predictions,
            epoch_classes=tuple(records[spec.fold]),
            best_epoch=1,
            data=replace(run.data, train=(1, 1, 2, 0, 0, 0)),
        )

    study = factory.study(only=("proposed",), protocols=("loso",), folds=(2,))
    return evaluate_study(factory.finish(study, choose))


def test_epoch_of_each_fold_is_picked_and_compared_with_the_clean_score(factory: type[Factory]) -> None:
    # Clean: class 0 in every clip, 50 %. Picked: (0, 0, 1, 1) in the first fold, (0, 0, 0, 0) in the second.
    records = [(LEFT, (0, 0, 1, 1), RIGHT), (LEFT, RIGHT, NEITHER)]
    table = build_practice_table(_evaluate(factory, records=records))
    assert table is not None
    assert factory.column(table, "Metric") == ["accuracy", "UF1", "UAR"]
    assert factory.column(table, "Clean") == ["50.00", "33.33", "50.00"]
    # Class 0: 4 right, 2 others. Class 1: 2 right of 4. F1: 8 / 10 and 4 / 6.
    assert factory.column(table, "Picked (leaky)") == ["75.00", "73.33", "75.00"]
    assert factory.column(table, "Inflation, points (leaky)") == ["+25.00", "+40.00", "+25.00"]
    # A unit is right with probability 1/4, and the best of three epochs is kept.
    distribution = [0.75**4, 4 * 0.25 * 0.75**3, 6 * 0.25**2 * 0.75**2, 4 * 0.25**3 * 0.75, 0.25**4]
    cumulative = [sum(distribution[: k + 1]) ** 3 for k in range(5)]
    expected = sum(k * (cumulative[k] - (cumulative[k - 1] if k else 0)) for k in range(5)) / 4
    assert table.rows[0][7].value == pytest.approx(100 * expected)
    assert all(len(cell.run_keys) == 2 for row in table.rows for cell in row[4:8])


def test_every_title_and_sentence_says_that_the_scores_are_leaky(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory, records=[(LEFT, RIGHT), (LEFT, RIGHT)])
    table, summary = build_practice_table(evaluation), build_practice_summary(evaluation)
    assert table is not None
    assert "leaky" in table.id
    assert "(leaky)" in table.title
    (statement,) = summary.findings
    assert statement.text.startswith("Leaky: picking the epoch on each test subject changes the accuracy")
    assert "no higher than the guesser's" not in statement.text
    assert len(statement.run_keys) == 2
    blocks = list(build_study_section(evaluation, heading="Study"))
    titles = [getattr(block, "text", "") for block in blocks]
    first = titles.index("As often published (leaky)")
    assert titles[first + 1].startswith("Leaky: no number of this section is a result.")
    assert isinstance(blocks[first + 2], Summary)


def test_network_that_the_guesser_beats_shows_no_skill(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory, records=[(NEITHER,) * 50] * 2, clean_right=(False,) * 4)
    (statement,) = build_practice_summary(evaluation).findings
    assert "so it shows no skill" in statement.text


def test_record_of_another_training_is_named(factory: type[Factory]) -> None:
    table = build_practice_table(_evaluate(factory, records=[(LEFT,), ((0, 0, 0, 1),)]))
    assert table is not None
    assert any("predicts another class for 1 clips" in note for note in table.notes)


def test_training_without_a_record_is_left_out_and_named(factory: type[Factory]) -> None:
    study = factory.study(only=("vgg16", "proposed"), seeds=(0, 1))

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        has_record = spec.seed == 0 and spec.architecture.name == "proposed"
        classes = tuple(prediction.predicted_class for prediction in run.predictions)
        return replace(run, epoch_classes=(classes,) * 3) if has_record else run

    table = build_practice_table(evaluate_study(factory.finish(study, choose)))
    assert table is not None
    assert {row[0].text for row in table.rows} == {"proposed (1 of 2 seeds)"}
    assert factory.column(table, "Inflation, points (leaky)") == ["0.00"] * 3
    notes = [note for note in table.notes if "--published-practice" in note]
    assert ["2 finished trainings without" in note for note in notes] == [True, False]
    assert "1 finished training without" in notes[1]


def test_study_without_records_has_no_section(factory: type[Factory]) -> None:
    evaluation = evaluate_study(factory.finish(factory.study()))
    assert build_practice_table(evaluation) is None
    texts = [getattr(block, "text", "") for block in build_study_section(evaluation, heading="Study")]
    assert "As often published (leaky)" not in texts
