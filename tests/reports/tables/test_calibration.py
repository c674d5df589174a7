from dataclasses import replace

from reports.outcomes import evaluate_study
from reports.tables.calibration import build_calibration_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def _sure(built: type[Built], spec: RunSpec, confidences: tuple[float, ...]) -> RunResult:
    """Return a run of two classes with a correct and a wrong clip at each confidence."""
    template = built.predictions(((1, 0), (0, 1)))[0]
    predictions = tuple(
        replace(template, id=f"{n}{truth}", clip=f"{n}{truth}", truth=truth, probabilities=(share, 1 - share))
        for n, share in enumerate(confidences)
        for truth in (0, 1)
    )
    return replace(built.run(spec, classes=("disgust", "fear")), predictions=predictions)


def test_error_and_brier_score_are_averaged_over_the_seeds(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return _sure(built, spec, (1.0,) if spec.seed else (0.75, 0.5))

    study = built.study(only=("proposed",), seeds=(0, 1))
    table = build_calibration_table(evaluate_study(built.finish(study, choose)))

    # Seed 0: accuracy 1/2; two clips at 0.75 and two at 0.5 are off by 1/4 and 0, mean 1/8. Brier score:
    # 2/16, 18/16, 1/2 and 1/2, mean 9/16.
    # Seed 1: confidence 1, accuracy 1/2, error 1/2. Brier score: 0 and 2, mean 1.
    # Means: (7/8 - 1/4 + 1)/2 = 13/16, 5/16 and 25/32. Deviations: the difference over the square root of 2.
    assert table is not None
    assert [built.plain(cell.text) for cell in table.rows[0][3:]] == [
        "50.00 ± 0.00",
        "81.25 ± 26.52",
        "31.25 ± 26.52",
        "0.781 ± 0.309",
        "100.00",
        "100.00",
    ]
    assert [table.rows[0][column].value for column in (4, 5, 6)] == [81.25, 31.25, 0.78125]


def test_the_protocols_unit_is_counted(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        made = _sure(built, spec, (1.0, 0.5))
        # Two frames of one clip, with probabilities 1 and 1/2 for the true class.
        frames = tuple(replace(p, clip="c") for p in made.predictions if p.truth == 0)
        return replace(made, predictions=frames)

    study = built.study(only=("proposed",), protocols=("frame", "subject"))
    table = build_calibration_table(evaluate_study(built.finish(study, choose)))

    # Frames: errors 0 and 1/2, mean 1/4. The clip: probability 3/4, error 1/4; Brier score 2/16.
    assert table is not None
    assert built.column(table, "ECE, %") == ["25.00", "25.00"]
    assert built.column(table, "Brier score") == ["0.250", "0.125"]


def test_what_did_not_finish_says_so(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        return built.run(spec) if spec.architecture.name == "vgg16" else "no memory"

    table = build_calibration_table(evaluate_study(built.finish(built.study(), choose)))

    assert table is not None
    assert built.column(table, "Accuracy, %")[1] == "failed"
    assert built.column(table, "ECE, %")[1] == built.column(table, "Brier score")[1] == "–"
    assert build_calibration_table(evaluate_study(built.finish(built.study(), lambda spec: None))) is None


def test_a_run_without_predictions_has_no_calibration(built: type[Built]) -> None:
    study = built.finish(
        built.study(only=("proposed",)), lambda spec: replace(built.run(spec), predictions=())
    )

    table = build_calibration_table(evaluate_study(study))

    assert table is not None
    assert built.column(table, "ECE, %") == ["–"]
