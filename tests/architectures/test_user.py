import importlib
import sys
from pathlib import Path

import pytest
import torch

from architectures.network import build
from architectures.user import check_answers, described, where

NET = """
from torch import nn
{extra}
def tiny(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))
def wide(classes):
    return nn.Sequential(nn.Flatten(1), nn.LazyLinear(classes + 1))
def none(classes):
    return "a network"
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    file = tmp_path / "net.py"
    file.write_text(NET.format(extra=""))
    return file


def test_a_function_in_a_file_is_a_network(net: Path) -> None:
    spec = described(f"{net}:tiny")
    assert (spec.name, spec.network) == ("tiny", "user")
    assert build(spec, classes=5)(torch.zeros(2, 3, 8, 8)).shape == (2, 5)


def test_an_edited_file_is_another_network_and_a_moved_one_the_same(net: Path, tmp_path: Path) -> None:
    before = described(f"{net}:tiny")
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "net.py"
    moved.write_text(net.read_text())
    assert described(f"{moved}:tiny").digest == before.digest
    net.write_text(NET.format(extra="# edited"))
    assert described(f"{net}:tiny").digest != before.digest
    with pytest.raises(ValueError, match="has changed since the network tiny was planned"):
        build(before, classes=2)


def test_two_functions_of_one_file_are_two_networks(net: Path) -> None:
    net.write_text(net.read_text() + "\n\ndef other(classes):\n    return tiny(classes)\n")
    assert described(f"{net}:tiny").digest != described(f"{net}:other").digest


def test_what_the_file_imports_from_beside_it_counts_as_its_text(net: Path) -> None:
    beside = net.parent / "beside_net.py"
    beside.write_text("WIDTH = 3")
    net.write_text(NET.format(extra="from beside_net import WIDTH"))
    before = described(f"{net}:tiny")
    assert described(f"{net}:tiny").digest == before.digest
    beside.write_text("WIDTH = 4")
    assert described(f"{net}:tiny").digest != before.digest


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("net.py", "--architecture takes FILE.py:function; got 'net.py'"),
        ("{folder}/nowhere.py:tiny", "there is no file .*nowhere.py"),
        ("{folder}/net.py:huge", "has no function 'huge'"),
        ("{folder}/broken.py:tiny", "cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_no_function_in_a_file_is_refused(net: Path, given: str, message: str) -> None:
    (net.parent / "broken.py").write_text("1 / 0")
    with pytest.raises(ValueError, match=message):
        described(given.format(folder=net.parent))


def test_a_function_that_gives_no_classifier_is_refused(net: Path) -> None:
    with pytest.raises(ValueError, match=r"none must give a torch.nn.Module; got str"):
        build(described(f"{net}:none"), classes=2)
    wide = described(f"{net}:wide")
    with pytest.raises(ValueError, match=r"with logits \(2, 2\); got \(2, 3\)"):
        check_answers(build(wide, classes=2), wide, classes=2, size=4)
    used = build(wide, classes=2)
    check_twice = described(f"{net}:wide")
    used(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match=r"wide fails on images \(2, 3, 9, 9\): RuntimeError"):
        check_answers(used, check_twice, classes=3, size=9)


def test_a_function_names_its_own_file() -> None:
    assert where(test_a_function_names_its_own_file) == f"{__file__}:test_a_function_names_its_own_file"
    with pytest.raises(ValueError, match="put it into a file, as a function with a name"):
        where(lambda classes: torch.nn.Identity())


def test_what_is_loaded_already_is_read_again(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = net.parent / "loaded_before.py"
    beside.write_text("WIDTH = 3")
    net.write_text(NET.format(extra="from loaded_before import WIDTH"))
    monkeypatch.syspath_prepend(str(net.parent))
    importlib.import_module("loaded_before")
    before = described(f"{net}:tiny")
    beside.write_text("WIDTH = 5")
    assert described(f"{net}:tiny").digest != before.digest
    assert sys.modules.pop("loaded_before").WIDTH == 3
