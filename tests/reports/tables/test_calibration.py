from dataclasses import replace

from reports.outcomes import evaluate_study
from reports.tables.calibration import build_calibration_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _run_with_confidences(factory: type[Factory], spec: RunSpec, confidences: tuple[float, ...]) -> RunResult:
    """Return a run of two classes with a correct and a wrong clip at each confidence."""
    template = factory.predictions(((1, 0), (0, 1)))[0]
    predictions = tuple(
        replace(template, id=f"{n}{truth}", clip=f"{n}{truth}", truth=truth, probabilities=(share, 1 - share))
        for n, share in enumerate(confidences)
        for truth in (0, 1)
    )
    return replace(factory.run(spec, classes=("disgust", "fear")), predictions=predictions)


def test_calibration_error_and_brier_score_are_seed_averages(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return _run_with_confidences(factory, spec, (1.0,) if spec.seed else (0.75, 0.5))

    study = factory.study(only=("proposed",), seeds=(0, 1))
    table = build_calibration_table(evaluate_study(factory.finish(study, choose)))

    # Seed 0: accuracy 1/2; two clips at 0.75 and two at 0.5 are off by 1/4 and 0, mean 1/8. Brier score:
    # 2/16, 18/16, 1/2 and 1/2, mean 9/16.
    # Seed 1: confidence 1, accuracy 1/2, error 1/2. Brier score: 0 and 2, mean 1.
    # Means: (7/8 - 1/4 + 1)/2 = 13/16, 5/16 and 25/32. Deviations: the difference over the square root of 2.
    assert table is not None
    assert [factory.replace_no_break_spaces(cell.text) for cell in table.rows[0][3:]] == [
        "50.00 ± 0.00",
        "81.25 ± 26.52",
        "31.25 ± 26.52",
        "0.781 ± 0.309",
        "100.00",
        "100.00",
    ]
    assert [table.rows[0][column].value for column in (4, 5, 6)] == [81.25, 31.25, 0.78125]


def test_calibration_uses_the_protocols_unit(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        result = _run_with_confidences(factory, spec, (1.0, 0.5))
        # Two frames of one clip, with probabilities 1 and 1/2 for the true class.
        frames = tuple(replace(p, clip="c") for p in result.predictions if p.truth == 0)
        return replace(result, predictions=frames)

    study = factory.study(only=("proposed",), protocols=("frame", "subject"))
    table = build_calibration_table(evaluate_study(factory.finish(study, choose)))

    # Frames: errors 0 and 1/2, mean 1/4. The clip: probability 3/4, error 1/4; Brier score 2/16.
    assert table is not None
    assert factory.column(table, "ECE, %") == ["25.00", "25.00"]
    assert factory.column(table, "Brier score") == ["0.250", "0.125"]


def test_unfinished_run_is_labelled(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        return factory.run(spec) if spec.architecture.name == "vgg16" else "no memory"

    table = build_calibration_table(evaluate_study(factory.finish(factory.study(), choose)))

    assert table is not None
    assert factory.column(table, "Accuracy, %")[1] == "failed"
    assert factory.column(table, "ECE, %")[1] == factory.column(table, "Brier score")[1] == "–"
    assert build_calibration_table(evaluate_study(factory.finish(factory.study(), lambda spec: None))) is None


def test_run_without_predictions_has_no_calibration(factory: type[Factory]) -> None:
    study = factory.finish(
        factory.study(only=("proposed",)), lambda spec: replace(factory.run(spec), predictions=())
    )

    table = build_calibration_table(evaluate_study(study))

    assert table is not None
    assert factory.column(table, "ECE, %") == ["–"]
