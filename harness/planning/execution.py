"""Execution options: where the cells of a study run, how many at once, and which weights they keep."""

from __future__ import annotations

import importlib.util
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.errors import HarnessError, check_choice
from harness.planning.weight_rule import WEIGHT_RULES, WeightRule

if TYPE_CHECKING:
    from harness.planning.calibration import Calibration
    from harness.planning.plan import StudyPlan

EXECUTORS = ("local", "ray")


AUTO_ADDRESS = "auto"
"""The Ray address that stands for the cluster this machine belongs to."""

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection to a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """The options for running a study.

    Attributes:
        executor: one of `EXECUTORS`.
        ray_address: the address of the Ray cluster; None means `AUTO_ADDRESS`.
        jobs: the number of cells that run in parallel; None lets `choose_slots` decide.
        retry_failed: run only the cells that have failed before.
        keep_weights: one of the values of `WeightRule`.
        system_metrics: log the use of the CPU, GPU, memory, disk and network while a cell runs.

    Raises:
        ValueError: the executor is unknown or not installed, `jobs` is below 1, an address is given without
            the ray executor, the rule for weights is unknown, or the package for system metrics is missing.
    """

    executor: str = "local"
    ray_address: str | None = None
    jobs: int | None = None
    retry_failed: bool = False
    keep_weights: str = "all"
    system_metrics: bool = False

    @property
    def pending_state(self) -> str | None:
        """The tracked state of the cells to run: "failed", or None for all that have not ended."""
        return "failed" if self.retry_failed else None

    @property
    def weight_rule(self) -> WeightRule:
        """`keep_weights`, typed."""
        return cast(WeightRule, self.keep_weights)

    def __post_init__(self) -> None:
        check_choice("--keep-weights", self.keep_weights, WEIGHT_RULES)
        check_choice("--executor", self.executor, EXECUTORS)
        if self.jobs is not None and self.jobs < 1:
            raise HarnessError(
                "jobs.too-few",
                f"--jobs must be at least 1; got {self.jobs}; leave it out for the automatic choice",
            )
        if self.ray_address is not None and self.executor != "ray":
            raise HarnessError(
                "ray-address.without-ray",
                f"--ray-address needs --executor ray; got {self.ray_address!r} with {self.executor}",
            )
        if self.system_metrics and importlib.util.find_spec("psutil") is None:
            raise HarnessError(
                "psutil.not-installed",
                "--system-metrics needs psutil, which is not installed: pip install --editable "
                "'.[system-metrics]' in the folder that harness was installed from",
            )
        if self.executor == "ray" and importlib.util.find_spec("ray") is None:
            raise HarnessError(
                "ray.not-installed",
                "--executor ray needs Ray, which is not installed: pip install --editable '.[ray]' in the "
                "folder that harness was installed from",
            )


def check_cluster_address(options: ExecutionOptions) -> None:
    """Check that the cluster's address accepts connections; Ray itself would try for minutes.

    Raises:
        HarnessError: the address is malformed or refuses the connection.
    """
    if options.ray_address in (None, AUTO_ADDRESS):
        return
    host, _, port = str(options.ray_address).removeprefix("ray://").rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port):
        raise HarnessError(
            "ray-address.invalid",
            f"--ray-address takes HOST:PORT, ray://HOST:PORT or {AUTO_ADDRESS}; got {options.ray_address!r}",
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise HarnessError(
            "ray-cluster.missing", format_missing_cluster(str(options.ray_address), str(error))
        ) from error


def format_missing_cluster(address: str, reason: str) -> str:
    """Return the message that no Ray cluster answers at `address`, with the reason and the remedy."""
    return (
        f"--ray-address {address}: no Ray cluster answers there ({reason}); start one with "
        "`ray start --head`, or name the address that it printed"
    )


def choose_slots(plan: StudyPlan, options: ExecutionOptions) -> int:
    """Return how many cells this machine runs in parallel: `options.jobs`, or the number that fits best.

    Each GPU runs one cell at a time, unless several were measured to be faster on this device
    (`harness.planning.calibration`) and fit into its memory. On a CPU the number depends on the whole study,
    including finished cells, so that a resumed study uses as many threads per cell as before.
    """
    if options.jobs is not None:
        return options.jobs
    import torch

    from harness.planning.resources import (
        cells_per_cpu,
        limit_cells_by_memory,
        list_gpus,
        read_machine_memory,
    )

    runs, num_classes = plan.study.list_runs(), len(plan.pixels.table.classes)
    if plan.device.type == "cuda":
        calibration = _find_calibration(plan)
        cells = calibration.cells_per_gpu(plan.study.dataset.image_size) if calibration else 1
        memory = torch.cuda.get_device_properties(plan.device).total_memory
        return max(1, len(list_gpus())) * min(
            cells, limit_cells_by_memory(runs, num_classes=num_classes, memory=memory)
        )
    if plan.device.type == "cpu":
        return cells_per_cpu(
            runs,
            num_classes=num_classes,
            image_count=len(plan.pixels.images),
            cores=torch.get_num_threads(),
            memory=read_machine_memory(),
        )
    return 1


def describe_execution(plan: StudyPlan, options: ExecutionOptions) -> str:
    """Describe for the plan how many cells run in parallel, and where."""
    if options.executor == "ray":
        limit = f", at most {options.jobs} at once" if options.jobs else ""
        return f"on the Ray cluster at {options.ray_address or AUTO_ADDRESS}{limit}"
    slots = choose_slots(plan, options)
    if slots == 1:
        return "one at a time"
    calibration = None if options.jobs else _find_calibration(plan)
    source = f" (measured on {calibration.date} with torch {calibration.torch})" if calibration else ""
    return f"{slots} at once{source}"


def _find_calibration(plan: StudyPlan) -> Calibration | None:
    """Return the measurement of the plan's device, or None if nobody has measured it."""
    from harness.device import describe_device
    from harness.planning.calibration import load_calibration

    return load_calibration(describe_device(plan.device))
