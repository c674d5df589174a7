"""Tests of the reason of a failed cell: it names the line that the user, or we, must read."""

from dataclasses import replace
from pathlib import Path

import pytest

from architectures.network import build_network
from architectures.spec import ArchitectureSpec
from architectures.user import load_user_spec
from harness.scheduling.failure_reason import describe_error
from studies.spec import RunSpec
from tests.harness.tracking.small_study import STUDY

NET = """import json
import parts_of_net

def direct(classes):
    raise RuntimeError(f"{classes} classes\\nare too many")

def imported(classes):
    return parts_of_net.build(classes)

def library(classes):
    return json.loads("{")

def handled(classes):
    try:
        return {}[classes]
    except KeyError:
        raise LookupError("no such width")
"""
PARTS = """def build(classes):
    assert classes > 9
"""


def describe(architecture: ArchitectureSpec) -> str:
    """Build the network for 6 classes and return how the error is described."""
    spec: RunSpec = replace(STUDY.list_runs()[0], architecture=architecture)
    with pytest.raises(ValueError, match=r"fails for|exists only") as raised:
        build_network(architecture, num_classes=6)
    return describe_error(raised.value, spec)


@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("direct", "net.py:5"),
        ("imported", "parts_of_net.py:2"),
        ("library", "net.py:11"),
        ("handled", "net.py:17"),
    ],
)
def test_error_of_a_user_network_names_the_users_line(tmp_path: Path, function: str, line: str) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "parts_of_net.py").write_text(PARTS)
    text = describe(load_user_spec(f"{tmp_path / 'net.py'}:{function}"))
    assert text.startswith(f"ArchitectureError: {tmp_path / 'net.py'}:{function} fails for 6 classes: ")
    assert text.endswith(f" ({line})")
    assert "\n" not in text


def test_error_of_harness_names_our_line() -> None:
    text = describe(ArchitectureSpec(name="broken", network="resnet34", width=0.5))
    assert text.startswith("ArchitectureError: resnet34 exists only at width 1; got 0.5: leave")
    assert "(architectures/baselines.py:" in text


def test_error_outside_of_both_names_no_line() -> None:
    error = OSError("the disk was pulled out")
    assert describe_error(error, STUDY.list_runs()[0]) == "OSError: the disk was pulled out"
