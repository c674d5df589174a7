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
from tests.harness.processes import finish, fork, read_until
from tests.harness.scheduling.finished_cells import cells

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--epochs", "8", "--batch", "8")
NETWORKS = ("--only", "proposed", "--only", "vgg16-bn-gap", "--seeds", "2")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Start a head node without cores, so that cells run on the nodes added later."""
    from ray.cluster_utils import Cluster

    ray_cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield ray_cluster
    ray_cluster.shutdown()


def compare(tree: Path, *more: str) -> tuple[object, ...]:
    return ("compare", "--dataset", "casme2", "--root", tree, *TINY, *NETWORKS, *more)


def test_results_survive_the_death_of_node_and_driver(tree: Path, tmp_path: Path, cluster: Cluster) -> None:
    first, _ = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
    args = compare(tree, "--executor", "ray", "--ray-address", cluster.address)
    on_ray, local_folder = tmp_path / "ray", tmp_path / "alone"

    driver = fork(on_ray, *args)
    read_until(driver, "[2/4]")
    cluster.remove_node(first, allow_graceful=False)
    read_until(driver, "restarting it")
    read_until(driver, "epoch ")
    driver.send_signal(signal.SIGKILL)
    driver.communicate()

    again = 1000 * time.time()
    driven = finish(fork(on_ray, *args), on_ray)
    assert driven.status == 0, driven.err
    local = finish(fork(local_folder, *compare(tree)), local_folder)
    assert local.status == 0, local.err
    tracker = Tracker(f"sqlite:///{on_ray / 'mlflow.db'}")
    assert cells(tracker) == cells(Tracker(f"sqlite:///{local_folder / 'mlflow.db'}"))
    runs = tracker.search_runs(f"attributes.status = 'FINISHED' and attributes.start_time > {again:.0f}")
    times = sorted((run.info.start_time, run.info.end_time) for run in runs if KEY_TAG in run.data.tags)
    assert len(times) > 1
    assert all(end <= start_time for (_, end), (start_time, _) in pairwise(times)), "one core, one cell"
    others = [
        run for run in tracker.search_runs("attributes.status != 'FINISHED'") if KEY_TAG in run.data.tags
    ]
    assert {run.info.status for run in others} == {"KILLED"}


def test_cell_too_large_for_every_node_is_an_error(tree: Path, tmp_path: Path, cluster: Cluster) -> None:
    args = compare(tree, "--executor", "ray", "--ray-address", cluster.address)
    refused = finish(fork(tmp_path, *args), tmp_path)
    assert refused.status == 2, refused.err
    assert "error: --executor ray: a cell needs 1 cores" in refused.err
    assert "Traceback" not in refused.err


def test_address_without_cluster_is_an_error(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, "--executor", "ray", "--ray-address", "127.0.0.1:1")
    refused = finish(fork(tmp_path, *args), tmp_path)
    assert refused.status == 2
    assert "error: --ray-address 127.0.0.1:1: no Ray cluster answers there" in refused.err
    assert "Traceback" not in refused.err
