from dataclasses import replace

import pytest

from datasets.spec import Leakage
from studies.codec import from_json, to_json
from studies.results import Failure, Prediction, RunResult, format_end_times
from studies.spec import RunSpec


def _predict(*probabilities: float) -> Prediction:
    return Prediction(id="a/1", subject="a", clip="a/c", truth=0, probabilities=probabilities)


@pytest.mark.parametrize(
    ("probabilities", "expected"), [((0.25, 0.75), 1), ((0.5, 0.5), 0), ((0.2, 0.4, 0.4), 1), ((1.0,), 0)]
)
def test_predicted_class_is_the_first_of_the_highest(probabilities: tuple[float, ...], expected: int) -> None:
    prediction = _predict(*probabilities)
    assert (prediction.predicted_class, prediction.predicted_class) == (expected, expected)


def test_cached_class_is_no_part_of_the_prediction() -> None:
    read, unread = _predict(0.25, 0.75), _predict(0.25, 0.75)
    assert read.predicted_class == 1
    assert read == unread
    assert hash(read) == hash(unread)
    assert from_json(Prediction, to_json(read)) == unread
    assert replace(read, probabilities=(0.75, 0.25)).predicted_class == 0


def test_leakage_is_the_stored_one_if_all_predictions_are_labeled(result: RunResult) -> None:
    assert result.leakage == result.data.leakage == Leakage(clip=0.5, subject=1.0)


@pytest.mark.parametrize(
    ("label", "leakage"),
    [("clip", Leakage(clip=None, subject=1.0)), ("subject", Leakage(clip=0.5, subject=None))],
)
def test_leakage_is_unknown_if_one_prediction_lacks_its_label(
    result: RunResult, label: str, leakage: Leakage
) -> None:
    unlabeled = replace(result.predictions[0], **{label: ""})  # type: ignore[arg-type]
    assert replace(result, predictions=(*result.predictions, unlabeled)).leakage == leakage


def test_latency_is_valid_only_on_its_own_device(result: RunResult) -> None:
    latency = replace(result, spec=replace(result.spec, variant="latency"))
    assert [latency.is_valid_on(device) for device in ("cpu", "cuda")] == [True, False]
    assert [result.is_valid_on(device) for device in ("cpu", "cuda")] == [True, True]


@pytest.mark.parametrize(
    ("end_times", "expected"),
    [
        ((), ""),
        (("", ""), ""),
        (("2024-05-01T10:00", ""), "runs ended 2024-05-01T10:00 (UTC)"),
        (("2024-05-02", "2024-05-01", "2024-05-03"), "runs ended 2024-05-01 to 2024-05-03 (UTC)"),
    ],
)
def test_end_times_are_formatted_as_a_range(end_times: tuple[str, ...], expected: str) -> None:
    assert format_end_times(end_times) == expected


def test_failure_names_the_run_that_holds_its_traceback(spec: RunSpec) -> None:
    assert Failure(spec=spec, reason="out of memory").text == "out of memory"
    assert (
        Failure(spec=spec, reason="out of memory", traceback_run_id="a1").text
        == "out of memory; traceback: traceback.txt of MLflow run a1"
    )
