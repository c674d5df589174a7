import importlib
import sys
from pathlib import Path

import pytest
import torch

from architectures.network import build_network
from architectures.user import check_output_shape, load_user_spec
from tests.error_codes import raises_code

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


def test_function_in_a_file_is_a_network(net: Path) -> None:
    spec = load_user_spec(f"{net}:tiny")
    assert (spec.name, spec.network) == ("tiny", "user")
    assert build_network(spec, num_classes=5)(torch.zeros(2, 3, 8, 8)).shape == (2, 5)


def test_edit_changes_the_network_and_a_move_does_not(net: Path, tmp_path: Path) -> None:
    before = load_user_spec(f"{net}:tiny")
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "net.py"
    moved.write_text(net.read_text())
    assert load_user_spec(f"{moved}:tiny").digest == before.digest
    net.write_text(NET.format(extra="# edited"))
    assert load_user_spec(f"{net}:tiny").digest != before.digest
    with raises_code("user-network.file-changed", net, "tiny"):
        build_network(before, num_classes=2)


def test_two_functions_of_one_file_are_two_networks(net: Path) -> None:
    net.write_text(net.read_text() + "\n\ndef other(classes):\n    return tiny(classes)\n")
    assert load_user_spec(f"{net}:tiny").digest != load_user_spec(f"{net}:other").digest


def test_imported_file_changes_the_digest(net: Path) -> None:
    imported = net.parent / "beside_net.py"
    imported.write_text("WIDTH = 3")
    net.write_text(NET.format(extra="from beside_net import WIDTH"))
    before = load_user_spec(f"{net}:tiny")
    assert load_user_spec(f"{net}:tiny").digest == before.digest
    imported.write_text("WIDTH = 4")
    assert load_user_spec(f"{net}:tiny").digest != before.digest


@pytest.mark.parametrize(
    ("reference", "code", "value"),
    [
        ("net.py", "user-network.source-form", "'net.py'"),
        ("{folder}/nowhere.py:tiny", "user-network.no-file", "nowhere.py"),
        ("{folder}/net.py:huge", "user-network.no-function", "'huge'"),
        ("{folder}/broken.py:tiny", "user-network.import-failure", "ZeroDivisionError: division by zero"),
        ("{folder}/net.txt:tiny", "user-network.no-python-file", "net.txt"),
    ],
)
def test_reference_to_no_function_is_refused(net: Path, reference: str, code: str, value: str) -> None:
    (net.parent / "broken.py").write_text("1 / 0")
    (net.parent / "net.txt").write_text(net.read_text())
    with raises_code(code, value):
        load_user_spec(reference.format(folder=net.parent))


def test_function_that_gives_no_classifier_is_refused(net: Path) -> None:
    with raises_code("user-network.no-module", "none", "str"):
        build_network(load_user_spec(f"{net}:none"), num_classes=2)
    wide = load_user_spec(f"{net}:wide")
    with raises_code("user-network.output-shape", "(2, 2)", "(2, 3)"):
        check_output_shape(build_network(wide, num_classes=2), wide, num_classes=2, image_size=4)
    used = build_network(wide, num_classes=2)
    check_twice = load_user_spec(f"{net}:wide")
    used(torch.zeros(1, 3, 4, 4))
    with raises_code("user-network.forward-failure", "wide", "(2, 3, 9, 9)", "RuntimeError"):
        check_output_shape(used, check_twice, num_classes=3, image_size=9)


def test_imported_module_is_read_again(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = net.parent / "loaded_before.py"
    imported.write_text("WIDTH = 3")
    net.write_text(NET.format(extra="from loaded_before import WIDTH"))
    monkeypatch.syspath_prepend(str(net.parent))
    importlib.import_module("loaded_before")
    before = load_user_spec(f"{net}:tiny")
    imported.write_text("WIDTH = 5")
    assert load_user_spec(f"{net}:tiny").digest != before.digest
    assert sys.modules.pop("loaded_before").WIDTH == 3


def test_no_bytecode_is_written_beside_the_users_files(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (net.parent / "part.py").write_text("RATE = 0.5\n")
    net.write_text(NET.format(extra="from part import RATE"))
    build_network(load_user_spec(f"{net}:tiny"), num_classes=5)
    assert sorted(path.name for path in net.parent.iterdir()) == ["net.py", "part.py"]
    assert not sys.dont_write_bytecode
