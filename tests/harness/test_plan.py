"""What is judged before a study starts: own networks at the data's classes, and what its test can tell."""

from pathlib import Path

import pytest

from harness.data.reading import DataRequest
from harness.plan import prepare, smallest_difference
from tests.harness.tiny import request

NET = """
from torch import nn

def tiny(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))

def stubborn(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))

def broken(classes):
    return nn.Linear(1, classes)
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    file = tmp_path / "net.py"
    file.write_text(NET)
    return file


def test_an_own_network_is_tried_with_the_classes_that_the_data_have(tree: Path, net: Path) -> None:
    with pytest.raises(ValueError, match=r"with logits \(2, 6\); got \(2, 2\)"):
        prepare(request(tree, own=(f"{net}:stubborn",)))
    assert not Path("cache").exists(), "nothing has been decoded"


def test_a_broken_one_is_told_before_the_data_are_read(tree: Path, net: Path) -> None:
    with pytest.raises(ValueError, match="broken fails on images"):
        prepare(request(tree, own=(f"{net}:broken",), data=DataRequest(dataset="casme2", root=tree / "none")))


def test_an_own_network_beside_pretrained_ones_starts_as_its_function_makes_it(
    tree: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("architectures.network.load_pretrained", lambda *_: None)
    plan = prepare(request(tree, only=("shufflenetv2",), own=(f"{net}:tiny",), pretrained=True))
    assert [(arm.name, arm.pretrained) for arm in plan.study.arms] == [
        ("shufflenetv2 (pretrained)", True),
        ("tiny", False),
    ]


@pytest.mark.parametrize(
    ("protocol", "seeds", "told"),
    [
        ("frame", 1, "clips of 4 subjects in the test: no verdict can come of it; fewer than 6 subjects"),
        ("clip", 3, "over 3 seeds: no verdict can come of it"),
        ("subject", 1, "subject: 6 clips of 1 subjects in the test: it can show a difference of"),
    ],
)
def test_no_power_is_stated_where_no_verdict_can_come(
    tree: Path, protocol: str, seeds: int, told: str
) -> None:
    plan = prepare(request(tree, protocols=(protocol,), seeds=seeds))
    assert told in smallest_difference(plan, protocol)
