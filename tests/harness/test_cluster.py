"""A study on a real Ray cluster of which a node dies, and then the driver; the results are as anywhere."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from harness.tracking import KEY, Ledger
from tests.harness.test_cli import ROOT
from tests.harness.test_killed import cells

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--epochs", "8", "--batch", "8")
NETWORKS = ("--only", "proposed", "--only", "vgg16-bn-gap", "--seeds", "2")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head without cores, so that cells run on the nodes that are added."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def start(tree: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    args = ("compare", "--dataset", "casme2", "--root", str(tree), *TINY, *NETWORKS, *more)
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: subprocess.Popen[str], words: str) -> str:
    """What a process says up to a line that holds `words`."""
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said: {said}")


def test_a_node_and_then_the_driver_die_and_the_results_are_the_local_ones(
    tree: Path, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    ray = ("--executor", "ray", "--ray-address", cluster.address)
    on_ray, alone = tmp_path / "ray", tmp_path / "alone"
    for folder in (on_ray, alone):
        folder.mkdir()

    driver = start(tree, on_ray, *ray)
    until(driver, "[2/4]")
    cluster.remove_node(first, allow_graceful=False)
    until(driver, "it goes on")
    until(driver, "epoch ")
    driver.send_signal(signal.SIGKILL)
    driver.communicate()

    driver = start(tree, on_ray, *ray)
    _, said = driver.communicate(timeout=300)
    assert driver.returncode == 0, said
    local = start(tree, alone)
    _, told = local.communicate(timeout=300)
    assert local.returncode == 0, told
    ledger = Ledger(f"sqlite:///{on_ray / 'mlflow.db'}")
    assert cells(ledger) == cells(Ledger(f"sqlite:///{alone / 'mlflow.db'}"))
    others = [run for run in ledger.search("attributes.status != 'FINISHED'") if KEY in run.data.tags]
    assert {run.info.status for run in others} == {"KILLED"}


def test_a_cell_that_no_node_has_room_for_is_told(tree: Path, tmp_path: Path, cluster: Cluster) -> None:
    process = start(tree, tmp_path, "--executor", "ray", "--ray-address", cluster.address)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2, said
    assert "error: --executor ray: a cell takes 1 cores" in said
    assert "Traceback" not in said


def test_an_address_at_which_no_cluster_answers_is_told(tree: Path, tmp_path: Path) -> None:
    process = start(tree, tmp_path, "--executor", "ray", "--ray-address", "127.0.0.1:1")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "error: --ray-address 127.0.0.1:1: no Ray cluster answers there" in said
    assert "Traceback" not in said
