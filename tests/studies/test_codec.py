import json
from dataclasses import replace
from typing import Any

import pytest

from architectures.catalogue import CATALOGUE
from architectures.spec import ArchitectureSpec
from datasets.spec import FlowSpec
from studies.codec import from_data, from_json, to_data, to_json
from studies.results import Prediction, RunResult
from studies.spec import Engine, RunSpec, TrainingSpec
from studies.study import Study
from tests.error_codes import raises_code


def test_study_survives_a_round_trip(study: Study) -> None:
    assert from_json(Study, to_json(study)) == study


def test_run_and_its_key_survive_a_round_trip(spec: RunSpec) -> None:
    decoded = from_json(RunSpec, to_json(spec, indent=1))

    assert decoded == spec
    assert decoded.key == spec.key


def test_settings_of_a_flow_are_part_of_the_key_and_its_default_is_not_written(spec: RunSpec) -> None:
    flow_spec = replace(spec, dataset=replace(spec.dataset, representation="flow"))
    assert "flow" not in to_data(flow_spec)["dataset"]
    changes: tuple[dict[str, Any], ...] = (
        {"method": "tvl1"},
        {"size": 28},
        {"strain": "forward"},
        {"scale": "image"},
    )
    specs = [
        replace(flow_spec, dataset=replace(flow_spec.dataset, flow=FlowSpec(**change))) for change in changes
    ]
    assert [to_data(changed)["dataset"]["flow"] for changed in specs] == list(changes)
    assert [from_json(RunSpec, to_json(changed)) for changed in specs] == specs
    assert len({changed.key for changed in (flow_spec, *specs)}) == 1 + len(changes)


def test_result_survives_a_round_trip(result: RunResult) -> None:
    assert from_json(RunResult, to_json(result)) == result


def test_result_without_the_synthetic_field_is_read(result: RunResult) -> None:
    data = to_data(result)
    del data["data"]["drawn"]

    assert from_data(RunResult, data) == result
    assert not result.data.synthetic


@pytest.mark.parametrize("name", CATALOGUE)
def test_architectures_survive_a_round_trip(name: str) -> None:
    decoded = from_data(ArchitectureSpec, to_data(CATALOGUE[name]))

    assert decoded == CATALOGUE[name]
    assert type(decoded.stages[0]) is tuple


def test_same_value_is_the_same_text(spec: RunSpec) -> None:
    text = to_json(spec)

    assert text == to_json(replace(spec))
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert "\n" not in text


def test_integer_is_read_as_a_float() -> None:
    data = {"id": "a", "subject": "s", "clip": "c", "truth": 0, "probabilities": [1, 0]}

    assert from_data(Prediction, data).probabilities == (1.0, 0.0)
    assert type(from_data(Prediction, data).probabilities[0]) is float


def test_no_number_that_json_lacks(result: RunResult) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(replace(result, seconds=float("nan")))


@pytest.mark.parametrize(
    ("change", "location", "value"),
    [
        ({"truth": "0"}, "truth", "'0'"),
        ({"truth": True}, "truth", "True"),
        ({"clip": 3}, "clip", "3"),
        ({"probabilities": 0.5}, "probabilities", "0.5"),
        ({"probabilities": [0.5, "x"]}, "probabilities.1", "'x'"),
        ({"colour": "red"}, "colour", "'red'"),
    ],
)
def test_bad_data_is_named(change: dict[str, Any], location: str, value: str) -> None:
    data = {"id": "a", "subject": "s", "clip": "c", "truth": 0, "probabilities": [0.5, 0.5], **change}

    with raises_code("json.invalid", f"Prediction.{location};", f"got {value}"):
        from_data(Prediction, data)


def test_missing_field_is_named(spec: RunSpec) -> None:
    data = to_data(spec)
    del data["protocol"]

    with raises_code("json.invalid", "RunSpec.protocol"):
        from_data(RunSpec, data)


def test_pair_of_three_is_refused() -> None:
    data = to_data(CATALOGUE["vgg16"])
    data["stages"][0] = [2, 64, 1]

    with raises_code("json.invalid", "stages.0", "[2, 64, 1]"):
        from_data(ArchitectureSpec, data)


def test_invalid_choice_is_refused_in_data() -> None:
    data = to_data(CATALOGUE["vgg16"])
    data["norm"] = "layer"

    with raises_code("json.invalid", "ArchitectureSpec.norm", "'none' or 'batch'", "'layer'"):
        from_data(ArchitectureSpec, data)


@pytest.mark.parametrize("engine", ["eager", "compiled", "fused"])
def test_engine_is_stored_as_flags(engine: Engine) -> None:
    training = TrainingSpec(engine=engine)
    data = to_data(training)
    assert (data["compile"], data["fused"]) == (engine == "compiled", engine == "fused")
    assert "engine" not in data
    assert from_data(TrainingSpec, data) == training


@pytest.mark.parametrize(
    ("flags", "value"),
    [({"compile": True, "fused": True}, "got compile, fused"), ({"compile": 1}, "'compile': 1")],
)
def test_flags_that_name_no_engine_are_refused(flags: dict[str, object], value: str) -> None:
    with raises_code("json.invalid", value):
        from_data(TrainingSpec, {**to_data(TrainingSpec()), **flags})
