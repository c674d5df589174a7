"""Tests of planning: user networks are built for the data's classes, and the power is computed."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.planning.request import Request
from tests.error_codes import raises_code
from tests.harness.tiny import request

NET = """
from torch import nn

def tiny(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))

def stubborn(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))

def picky(classes):
    assert classes == 6, "six emotions"
    return tiny(classes)

def broken(classes):
    return nn.Linear(1, classes)
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    file = tmp_path / "net.py"
    file.write_text(NET)
    return file


def test_user_network_is_probed_with_the_datas_classes(tree: Path, net: Path) -> None:
    with raises_code("user-network.output-shape", "(2, 6)", "(2, 2)"):
        plan_study(request(tree, user_networks=(f"{net}:stubborn",)))
    assert not Path("cache").exists(), "nothing has been decoded"


def test_user_network_is_built_only_for_the_datas_classes(tree: Path, net: Path) -> None:
    picky = (f"{net}:picky",)
    assert [arm.name for arm in plan_study(request(tree, user_networks=picky)).study.arms][-1] == "picky"
    three = DataRequest(dataset="casme2", root=tree, classes=("fear", "sadness", "surprise"))
    with raises_code("user-network.build-failure", "net.py:picky", 3, "AssertionError: six emotions"):
        plan_study(request(tree, user_networks=picky, data=three))


def test_user_network_is_probed_with_a_folders_classes(net: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for number in range(3):
            image = np.full((40, 40, 3), 20 * number + ord(name), dtype=np.uint8)
            assert cv2.imwrite(str(tmp_path / "faces" / name / f"{number}.png"), image)
    folder = DataRequest(dataset="folder", root=tmp_path / "faces")
    with raises_code("user-network.build-failure", "net.py:picky", 3):
        plan_study(request(tmp_path, user_networks=(f"{net}:picky",), data=folder))


def test_broken_network_is_an_error_before_data_are_read(tree: Path, net: Path) -> None:
    with raises_code("user-network.forward-failure", "broken"):
        plan_study(
            request(
                tree, user_networks=(f"{net}:broken",), data=DataRequest(dataset="casme2", root=tree / "none")
            )
        )


def test_pretrained_does_not_apply_to_a_user_network(
    tree: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("architectures.network.load_pretrained", lambda *_: None)
    plan = plan_study(request(tree, only=("shufflenetv2",), user_networks=(f"{net}:tiny",), pretrained=True))
    assert [(arm.name, arm.pretrained) for arm in plan.study.arms] == [
        ("shufflenetv2 (pretrained)", True),
        ("tiny", False),
    ]


def test_seeds_and_splits_set_training_and_split_seeds(tree: Path) -> None:
    plan = plan_study(request(tree, protocols=("clip",), seeds=3, splits=2))

    assert (plan.study.seeds, plan.study.split_seeds) == ((0, 1, 2), (0, 1))
    assert [split.seed for split in plan.splits] == [0, 1]


def test_null_arm_comes_last_and_repeats_the_proposed_network(tree: Path) -> None:
    plan = plan_study(request(tree, only=("proposed", "vgg16"), null=True))

    assert [arm.name for arm in plan.study.arms] == ["proposed", "vgg16", "proposed (null)"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"metric": "f1"}, ("choice.unknown", "--metric 'f1'", "accuracy, uf1, uar")),
        ({"margin": 0.0}, ("margin-option.range", 0)),
        ({"margin": 100.0}, ("margin-option.range", 100)),
        ({"splits": 0}, ("repetitions.range", "--splits", 0, 1000)),
        ({"seeds": 1001}, ("repetitions.range", "--seeds", 1001, 1000)),
    ],
)
def test_decision_options_are_checked_before_the_data(
    tree: Path, change: dict[str, Any], error: tuple[Any, ...]
) -> None:
    with raises_code(*error):
        plan_study(request(tree / "none", **change))


def test_metric_and_the_margin_change_the_study_and_no_run(tree: Path) -> None:
    plain, other = plan_study(request(tree)), plan_study(request(tree, metric="uar", margin=3.0))

    assert plain.study.name != other.study.name
    assert [run.key for run in plain.study.list_runs()] == [run.key for run in other.study.list_runs()]
    assert (other.study.metric, other.study.margin) == ("uar", 0.03)


@pytest.mark.slow
def test_demo_has_the_networks_seeds_and_protocols_that_the_docs_describe() -> None:
    plan = plan_study(Request(kind="comparison", data=DataRequest(dataset="synthetic"), preset="demo"))
    study, samples = plan.study, plan.pixels.table.samples
    assert [arm.name for arm in study.arms] == ["vgg16", "vgg16-bn-gap", "proposed"]
    assert (study.protocols, study.seeds) == (("frame", "subject"), (0, 1, 2, 3, 4))
    assert (study.dataset.name, len(samples), len(study.list_runs())) == ("leaky", 480, 30)
    people = [
        [{samples[row].subject for row in rows} for rows in (split.train, split.test)]
        for split in plan.splits
    ]
    (frame_train, frame_test), (subject_train, subject_test) = people
    assert frame_test <= frame_train
    assert len(subject_test) == 6
    assert not subject_test & subject_train
