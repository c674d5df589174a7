"""Tests of weights and searches that are damaged, huge or foreign: their content, or one clear error."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness import hyperparameter_search
from harness.training.weights import load_weights
from studies.search import Search
from studies.study import Study
from tests.harness.tracking.unusual_result import SPEC
from tests.hostile import assert_bounded, case_settings, check_outcome, damaged_bytes, temporary_folder

pytestmark = pytest.mark.slow

STUDY = Study(
    kind="comparison",
    design="",
    preset="quick",
    dataset=SPEC.dataset,
    fingerprint=SPEC.fingerprint,
    protocols=("frame",),
    seeds=(0,),
    training=SPEC.training,
    arms=(SPEC.architecture,),
)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def serialize(value: object, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


PICKLE, SAFETENSORS = "weights.pt", "weights.safetensors"
HEADER = {"key": "1", "classes": "[]", "modules": "{}"}
VALID = {
    PICKLE: serialize(network().state_dict()),
    SAFETENSORS: safetensors.torch.save(network().state_dict(), HEADER),
}


def can_load(data: bytes, name: str = PICKLE) -> bool:
    """Return whether a network loaded the weights; a refusal must be one clear line."""
    with temporary_folder() as root:
        path = root / name
        path.write_bytes(data)
        module = network()

        def load() -> bool:
            load_weights(module, path, label="run 1", key="1")
            return True

        is_loaded = check_outcome(load, naming="run 1")
        if is_loaded:
            assert all(tensor.isfinite().all() for tensor in module.state_dict().values())
        return bool(is_loaded)


@pytest.mark.parametrize("name", VALID)
@case_settings(250)
@given(data=st.data())
def test_damaged_weights_are_loaded_or_refused(name: str, data: Any) -> None:
    can_load(data.draw(damaged_bytes(VALID[name])), name)


class _Evil:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def bomb() -> bytes:
    """Return a weights file of a few kilobytes that unpacks to hundreds of megabytes."""
    packed = io.BytesIO()
    archive = io.BytesIO(serialize({"0.weight": torch.zeros(50_000_000)}))
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return packed.getvalue()


@pytest.mark.parametrize("name", VALID)
def test_valid_weights_are_loaded(name: str) -> None:
    assert can_load(VALID[name], name)


def test_weights_execute_nothing(tmp_path: Path) -> None:
    path = tmp_path / "executed"
    evil = _Evil(str(path))
    for data in (
        serialize({"0.weight": evil}),
        serialize(evil, _use_new_zipfile_serialization=False),
        pickle.dumps(evil),
    ):
        assert not any(can_load(data, name) for name in VALID)
    assert not path.exists()


@pytest.mark.parametrize(
    "kind", ["bomb", "old", "text", "nothing", "nan", "other", "larger", "list", "number"]
)
def test_weights_of_another_network_are_refused(kind: str) -> None:
    own = network().state_dict()
    cases: dict[str, Callable[[], bytes]] = {
        "bomb": bomb,
        "old": lambda: serialize(own, _use_new_zipfile_serialization=False),
        "text": lambda: b"weights",
        "nothing": lambda: b"",
        "nan": lambda: serialize({**own, "0.bias": torch.full((4,), float("nan"))}),
        "other": lambda: serialize({"0.weight": own["0.weight"]}),
        "larger": lambda: serialize({**own, "0.bias": torch.zeros(1).expand(10**12)}),
        "list": lambda: serialize([1, 2]),
        "number": lambda: serialize({**own, "0.bias": 3}),
    }
    data = cases[kind]()
    assert len(data) < 1_000_000
    assert not can_load(data)


def forge_safetensors(header: dict[str, Any], content: bytes = b"") -> bytes:
    """Return a safetensors file with this header."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def tensor(shape: list[int], end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}


@pytest.mark.parametrize(
    "kind",
    [
        "cut",
        "longer",
        "large",
        "text",
        "nothing",
        "nan",
        "other",
        "lying",
        "huge",
        "deep",
        "key",
        "headless",
        "modules",
        "versions",
        "double",
    ],
)
def test_safetensors_of_another_run_are_refused(kind: str) -> None:
    own, content, save = network().state_dict(), VALID[SAFETENSORS], safetensors.torch.save
    cases: dict[str, Callable[[], bytes]] = {
        "cut": lambda: content[:-1],
        "longer": lambda: content + b"0",
        "large": lambda: save({**own, "more": torch.zeros(1_000_000)}, HEADER),
        "text": lambda: b"weights",
        "nothing": lambda: b"",
        "nan": lambda: save({**own, "0.bias": torch.full((4,), float("nan"))}, HEADER),
        "other": lambda: save({"0.weight": own["0.weight"]}, HEADER),
        "lying": lambda: forge_safetensors({"__metadata__": HEADER, "0.bias": tensor([4], 1 << 40)}),
        "huge": lambda: (1 << 62).to_bytes(8, "little") + content[8:],
        "deep": lambda: (100_000).to_bytes(8, "little") + b"[" * 100_000,
        "key": lambda: save(own, {**HEADER, "key": "2"}),
        "headless": lambda: save(own),
        "modules": lambda: save(own, {**HEADER, "modules": "[" * 100_000}),
        "versions": lambda: save(own, {**HEADER, "modules": json.dumps({"1": {"version": "new"}})}),
        "double": lambda: forge_safetensors(
            {"__metadata__": HEADER, "0.bias": tensor([4], 16), "0.weight": tensor([4], 16)}, bytes(16)
        ),
    }
    data = cases[kind]()
    assert not can_load(data, SAFETENSORS)


@pytest.fixture(scope="module")
def search_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file of a finished search."""
    path = tmp_path_factory.mktemp("search") / "optuna.db"
    (spec,) = STUDY.list_runs()
    study = hyperparameter_search._load_study(spec, hyperparameter_search._open_storage(f"sqlite:///{path}"))
    study.set_user_attr(hyperparameter_search.PRUNER_KEY, "median")
    for value in (0.5, 0.75):
        trial = optuna.trial.create_trial(
            value=value,
            params={"learning_rate": 1e-3, "gamma": 2.0, "class_weights": "inverse"},
            distributions={
                "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True),
                "gamma": optuna.distributions.CategoricalDistribution(hyperparameter_search.GAMMAS),
                "class_weights": optuna.distributions.CategoricalDistribution(
                    hyperparameter_search.CLASS_WEIGHTS
                ),
            },
        )
        study.add_trial(trial)
    return path.read_bytes()


def read_searches(data: bytes) -> Any:
    """Return the searches in a store, or None after checking that the error is one clear line."""
    with temporary_folder() as root:
        (root / "optuna.db").write_bytes(data)
        store = f"sqlite:///{root / 'optuna.db'}"
        check_outcome(
            lambda: hyperparameter_search.check_searches(
                STUDY.list_runs(), trials=1, pruner="median", store=store
            )
        )
        return check_outcome(lambda: hyperparameter_search.load_searches(STUDY, store))


def test_valid_store_is_read(search_file: bytes) -> None:
    (search,) = read_searches(search_file)
    assert search.values == (0.5, 0.75)


@case_settings(40)
@given(data=st.data())
def test_damaged_store_is_read_or_refused(search_file: bytes, data: Any) -> None:
    known = [
        position
        for part in (b"learning_rate", b"median", b"pruner", b"FloatDist", b"SQLite", b"CREATE TABLE trials")
        if (position := search_file.find(part)) >= 0
    ]
    at = data.draw(st.sampled_from(known))
    spoiled = data.draw(damaged_bytes(search_file[at : at + 200]))
    searches = read_searches(search_file[:at] + spoiled + search_file[at + 200 :])
    for search in searches or ():
        assert isinstance(search, Search)
        check_outcome(partial(replace, SPEC.training, learning_rate=search.learning_rate, gamma=search.gamma))


@pytest.mark.parametrize("data", [b"", b"text", b"SQLite format 3\0" + bytes(84), bytes(10_000)])
def test_invalid_store_is_refused(data: bytes) -> None:
    with assert_bounded():
        assert read_searches(data) is None
