from dataclasses import replace

import pytest

from reports.outcomes import evaluate_study
from reports.tables.subjects import build_subject_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _clips(factory: type[Factory], spec: RunSpec, rights: dict[str, str]) -> RunResult:
    """Return a run with one clip per letter of a subject; "r" is correct. The true class is always 0."""
    template = factory.predictions(((1, 0), (0, 1)))
    right, wrong = (0.75, 0.25), (0.25, 0.75)
    predictions = tuple(
        replace(
            template[0],
            id=f"{subject}/{n}/0",
            subject=subject,
            clip=f"{subject}/{n}",
            probabilities=right if letter == "r" else wrong,
        )
        for subject, letters in rights.items()
        for n, letter in enumerate(letters)
    )
    run = factory.run(spec, classes=("disgust", "fear"))
    # Class 1 is the most frequent in training, so that the majority class is never right.
    return replace(run, data=replace(run.data, train=(3, 5)), predictions=predictions)


def test_median_worst_and_share_of_subjects_below_the_majority_class(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = _clips(factory, spec, {"sub01": "rr", "sub02": "rwww", "sub03": "rw", "sub04": "w"})
        return replace(run, data=replace(run.data, train=(5, 3))) if spec.seed else run

    table = build_subject_table(
        evaluate_study(factory.finish(factory.study(only=("proposed",), seeds=(0, 1)), choose))
    )

    # Accuracies by subject: 1, 1/4, 1/2 and 0. The majority class is always wrong, then always correct.
    assert table is not None
    assert [factory.replace_no_break_spaces(cell.text) for cell in table.rows[0]] == [
        *("proposed", "frame", "9 frames × 2 seeds", "44.44 ± 0.00"),
        *("4", "37.50", "sub04", "0.00", "1", "50.00", "50.00", "100.00", "100.00"),
    ]
    assert table.rows[0][5].value == 37.5
    assert len(table.rows[0][5].run_keys) == 2


def test_subject_accuracy_is_averaged_by_test_seeds(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return _clips(factory, spec, {"sub01": "rr", "sub02": "w"} if spec.seed else {"sub01": "rw"})

    study = factory.study(only=("proposed",), seeds=(0, 1), protocols=("subject",))
    table = build_subject_table(evaluate_study(factory.finish(study, choose)))

    # sub01: 1/2 and 2/2. sub02: 0 of 1 in the second seed.
    assert table is not None
    assert factory.column(table, "Median subject") == ["37.50"]
    assert factory.column(table, "Worst subject") == ["sub02"]
    assert factory.column(table, "Units of worst") == ["1"]


def test_unfinished_networks_are_labelled(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        return factory.run(spec) if spec.architecture.name == "vgg16" else "no memory"

    table = build_subject_table(evaluate_study(factory.finish(factory.study(), choose)))

    assert table is not None
    assert factory.column(table, "Accuracy")[1] == "failed"
    assert factory.column(table, "Worst subject") == ["sub01", "–"]
    assert "proposed under frame, seed 0: failed: no memory" in table.notes


@pytest.mark.parametrize("named", [0, 1])
def test_units_without_a_subject_are_left_out(factory: type[Factory], named: int) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        unnamed = tuple(replace(p, subject="") for p in run.predictions[named:])
        return replace(run, predictions=(*run.predictions[:named], *unnamed))

    table = build_subject_table(evaluate_study(factory.finish(factory.study(only=("proposed",)), choose)))

    if not named:
        assert table is None
        return
    assert table is not None
    assert factory.column(table, "Units of worst") == ["1"]
    assert "proposed under frame: 29 of 30 test frames have no subject label and are left out." in table.notes


def test_unfinished_study_has_no_table(factory: type[Factory]) -> None:
    assert build_subject_table(evaluate_study(factory.finish(factory.study(), lambda spec: None))) is None
