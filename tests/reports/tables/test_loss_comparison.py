from dataclasses import replace

import pytest

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.loss_comparison import build_loss_table, compare_losses
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

TRAIN_COUNTS = (60, 30, 6, 2, 1, 1)


def _evaluate(
    factory: type[Factory], *, subjects: int = 5, first: int = 10, train: tuple[int, ...] = TRAIN_COUNTS
) -> StudyEvaluation:
    """Evaluate 20 clips of two classes; focal loss has all correct, cross-entropy none of the second class.

    The first `first` clips are of the first class.
    """

    def choose(spec: RunSpec) -> RunResult:
        right = [spec.variant == "none" or clip < first for clip in range(20)]
        run = factory.run_from_correctness(spec, right, subjects=subjects, first=first)
        return replace(run, data=replace(run.data, train=train))

    study = factory.study(only=("proposed",), protocols=("subject",), seeds=(0, 1))
    return evaluate_study(factory.finish(replace(study, checks=("cross-entropy",)), choose))


def test_class_is_rare_below_nine_tenths_of_an_even_share(factory: type[Factory]) -> None:
    # The even share of 60 samples is 10.
    comparison = compare_losses(_evaluate(factory, train=(16, 10, 9, 8, 8, 9)), "subject")
    assert comparison is not None
    assert comparison.rare_classes == (3, 4)


def test_gain_is_the_change_of_accuracy_on_the_classes(factory: type[Factory]) -> None:
    comparison = compare_losses(_evaluate(factory), "subject")
    assert comparison is not None
    gains = [comparison.compute_gain(classes) for classes in ((0,), (1,), (0, 1))]
    assert all(gain is not None for gain in gains)
    assert [gain.value for gain in gains if gain] == pytest.approx([0.0, 1.0, 0.5])


def test_gain_on_classes_without_test_units_is_unknown(factory: type[Factory]) -> None:
    comparison = compare_losses(_evaluate(factory), "subject")
    assert comparison is not None
    assert comparison.compute_gain((4, 5)) is None


def test_comparison_holds_all_runs_of_both_losses(factory: type[Factory]) -> None:
    comparison = compare_losses(_evaluate(factory), "subject")
    assert comparison is not None
    assert len(set(comparison.run_keys)) == 4
    assert comparison.train_counts == tuple(2 * count for count in TRAIN_COUNTS)


def test_table_compares_recall_class_by_class(factory: type[Factory]) -> None:
    table = build_loss_table(_evaluate(factory))
    assert table is not None
    assert factory.column(table, "Class")[:3] == ["disgust", "fear", "happiness (rare)"]
    assert factory.column(table, "Share of training")[:3] == ["60.0", "30.0", "6.0"]
    assert factory.column(table, "Recall, cross-entropy")[:3] == ["100.00 ± 0.00", "0.00 ± 0.00", "–"]
    assert factory.column(table, "Change")[:3] == ["0.00", "+100.00", "–"]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"train": (2, 2, 2, 2, 2, 2)}, "Under subject, no class is rare."),
        ({"train": (50, 1, 1, 50, 50, 50)}, "focal loss changes the recall of the rare classes against"),
        (
            {"train": (50, 1, 1, 50, 50, 50), "subjects": 1},
            "Under subject, fewer than two test subjects have rare classes",
        ),
    ],
)
def test_note_states_the_gain_or_the_reason_for_none(
    factory: type[Factory], changes: dict[str, object], note: str
) -> None:
    table = build_loss_table(_evaluate(factory, **changes))  # type: ignore[arg-type]
    assert table is not None
    assert any(note in text for text in table.notes)


def test_study_without_the_check_is_not_compared(factory: type[Factory]) -> None:
    evaluation = evaluate_study(factory.finish(factory.study()))
    assert compare_losses(evaluation, "frame") is None
    assert build_loss_table(evaluation) is None
