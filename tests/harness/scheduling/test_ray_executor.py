"""Tests of a study on a real Ray cluster: a node dies, then the driver; the results do not change."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from tests.harness.processes import ended, fork, until
from tests.harness.scheduling.test_killed import cells

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--epochs", "8", "--batch", "8")
NETWORKS = ("--only", "proposed", "--only", "vgg16-bn-gap", "--seeds", "2")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Start a head node without cores, so that cells run on the nodes added later."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def compare(tree: Path, *more: str) -> tuple[object, ...]:
    return ("compare", "--dataset", "casme2", "--root", tree, *TINY, *NETWORKS, *more)


def test_a_node_and_then_the_driver_die_and_the_results_are_the_local_ones(
    tree: Path, tmp_path: Path, cluster: Cluster
) -> None:
    first, _ = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
    args = compare(tree, "--executor", "ray", "--ray-address", cluster.address)
    on_ray, alone = tmp_path / "ray", tmp_path / "alone"

    driver = fork(on_ray, *args)
    until(driver, "[2/4]")
    cluster.remove_node(first, allow_graceful=False)
    until(driver, "restarting it")
    until(driver, "epoch ")
    driver.send_signal(signal.SIGKILL)
    driver.communicate()

    again = 1000 * time.time()
    driven = ended(fork(on_ray, *args), on_ray)
    assert driven.status == 0, driven.err
    local = ended(fork(alone, *compare(tree)), alone)
    assert local.status == 0, local.err
    ledger = Tracker(f"sqlite:///{on_ray / 'mlflow.db'}")
    assert cells(ledger) == cells(Tracker(f"sqlite:///{alone / 'mlflow.db'}"))
    found = ledger.search_runs(f"attributes.status = 'FINISHED' and attributes.start_time > {again:.0f}")
    times = sorted((run.info.start_time, run.info.end_time) for run in found if KEY_TAG in run.data.tags)
    assert len(times) > 1
    assert all(end <= begun for (_, end), (begun, _) in pairwise(times)), "one core, one cell"
    others = [
        run for run in ledger.search_runs("attributes.status != 'FINISHED'") if KEY_TAG in run.data.tags
    ]
    assert {run.info.status for run in others} == {"KILLED"}


def test_a_cell_that_no_node_has_room_for_is_told(tree: Path, tmp_path: Path, cluster: Cluster) -> None:
    args = compare(tree, "--executor", "ray", "--ray-address", cluster.address)
    refused = ended(fork(tmp_path, *args), tmp_path)
    assert refused.status == 2, refused.err
    assert "error: --executor ray: a cell needs 1 cores" in refused.err
    assert "Traceback" not in refused.err


def test_an_address_at_which_no_cluster_answers_is_told(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, "--executor", "ray", "--ray-address", "127.0.0.1:1")
    refused = ended(fork(tmp_path, *args), tmp_path)
    assert refused.status == 2
    assert "error: --ray-address 127.0.0.1:1: no Ray cluster answers there" in refused.err
    assert "Traceback" not in refused.err
