"""Tests that a study of a user's network is the same from Python and from the command line."""

import gc
import json
import os
import re
import signal
from pathlib import Path

import pytest
import torch

from harness.api import run
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request

NET = """
from torch import nn

def tiny(classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, classes))
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    file = tmp_path / "net.py"
    file.write_text(NET)
    return file


@pytest.mark.slow
def test_user_network_is_compared_like_others(tree: Path, net: Path, harness: Run) -> None:
    result, report = run(request(tree, user_networks=(f"{net}:tiny",), controls=True, protocols=("subject",)))
    text = report.read_text()
    assert not result.failures
    assert {r.spec.architecture.name for r in result.results} == {"proposed", "tiny"}
    rows = re.sub(" +", " ", text)
    for row in (
        "| tiny | subject |",
        "| proposed (width 0.125",
    ):
        assert row in rows
    assert re.search(r"\| proposed \(width 0\.125[^|]*\) \| tiny[^|]* \| subject \|", rows), "tiny is second"
    options = (
        "--dataset",
        "casme2",
        "--root",
        tree,
        "--only",
        "proposed",
        "--preset",
        "quick",
        "--epochs",
        1,
    )
    same = (
        *options,
        "--image-size",
        32,
        "--width",
        0.125,
        "--protocol",
        "subject",
        "--architecture",
        f"{net}:tiny",
    )
    assert "plan: 0 cells to run, 2 reused" in harness("compare", *same, "--dry-run")[2]
    net.write_text(NET + "# edited")
    assert "plan: 1 cell to run, 1 reused" in harness("compare", *same, "--dry-run")[2]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("net.py:tiny", "there is no file net.py"),
        ("{net}:big", "has no function 'big'"),
        ("{net}", "--architecture takes FILE.py:function"),
    ],
)
def test_mistake_in_a_user_network_is_an_error_before_runs(
    tree: Path, net: Path, harness: Run, option: str, message: str
) -> None:
    net = net.rename(net.with_name("mine.py"))
    code, _, err = harness(
        "compare", "--dataset", "casme2", "--root", tree, "--architecture", option.format(net=net)
    )
    assert code == 2
    assert message in err
    assert not Path("mlflow.db").exists()


def test_user_network_has_a_cost_like_others(net: Path, harness: Run) -> None:
    networks = ("--only", "shufflenetv2", "--architecture", f"{net}:tiny")
    code, out, err = harness("cost", "--image-size", 65, *networks, "--json")
    assert code == 0, err
    (tiny,) = (entry for entry in json.loads(out)["architectures"] if entry["name"] == "tiny")
    assert (tiny["parameters"], tiny["multiply_adds"]) == (48 * 6 + 6, 48 * 6)


@pytest.mark.slow
def test_study_restores_the_callers_process_settings(tree: Path, tmp_path: Path) -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    try:
        torch.manual_seed(7)
        before = _describe_process()
        run(request(tree, deterministic=False), out=tmp_path / "results")
        assert _describe_process() == before
    finally:
        torch.use_deterministic_algorithms(False)


def _describe_process() -> dict[str, object]:
    return {
        "environment": dict(os.environ),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "precision": (
            torch.backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
            torch.backends.cuda.matmul.fp32_precision,
        ),
        "threads": torch.get_num_threads(),
        "random": torch.random.get_rng_state().tolist(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "collector": gc.isenabled(),
    }


def test_login_in_the_tracking_uri_is_refused(tree: Path) -> None:
    with raises_code("tracking-uri.holds-login", "http://…@example.org", "MLFLOW_"):
        run(request(tree), tracking_uri="http://ann:secret@example.org")
