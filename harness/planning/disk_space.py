"""Estimate the disk space of a study's weights and checkpoints, and check that it is free."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.io.cache_files import get_cache_dir
from harness.errors import HarnessError
from harness.flop_count import count_cost
from harness.planning.execution import choose_slots
from harness.planning.weight_rule import can_keep_weights, find_base_run_keys
from studies.spec import RunSpec

if TYPE_CHECKING:
    from harness.planning.execution import ExecutionOptions
    from harness.planning.plan import StudyPlan
    from harness.planning.weight_rule import WeightRule
    from harness.tracking.tracker import Tracker

FLOAT_BYTES = 4
"""Bytes per parameter."""

CHECKPOINT_FACTOR = 2 * 4
"""Size of a cell's checkpoints relative to its weights.

There are two files, each with the weights, Adam's two moments and the best weights.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskNeed:
    """Bytes that the pending cells of a study need, and the folders on this machine that hold them.

    `artifact_folder` is None if a tracking server stores the weights. `cache_folder` is None if other
    machines store the checkpoints.
    """

    weight_bytes: int
    checkpoint_bytes: int
    artifact_folder: Path | None
    cache_folder: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict, including the free bytes."""
        return {
            "weights_bytes": self.weight_bytes,
            "weights_folder": self.artifact_folder and str(self.artifact_folder),
            "weights_free_bytes": self.artifact_folder and _get_free_bytes(self.artifact_folder),
            "checkpoints_bytes": self.checkpoint_bytes,
            "checkpoints_folder": self.cache_folder and str(self.cache_folder),
            "checkpoints_free_bytes": self.cache_folder and _get_free_bytes(self.cache_folder),
        }

    def render_text(self) -> str:
        """Return the disk need as text for the plan line."""
        needs = [
            f"{_format_bytes(self.weight_bytes)} of weights "
            + (
                _describe_folder(self.artifact_folder)
                if self.artifact_folder
                else "on the tracking server (not checked)"
            ),
            f"up to {_format_bytes(self.checkpoint_bytes)} of checkpoints "
            + (
                _describe_folder(self.cache_folder)
                if self.cache_folder
                else "on the cluster's nodes (not checked)"
            ),
        ]
        return f"disk: {', '.join(needs)}"


def estimate_disk_need(
    plan: StudyPlan, runs: Sequence[RunSpec], *, tracker: Tracker, execution: ExecutionOptions
) -> DiskNeed:
    """Estimate the disk need of the pending `runs` of a plan."""
    training_runs = [spec for spec in runs if spec.is_trained]
    sizes = {
        spec.key: _estimate_weight_bytes(spec, num_classes=len(plan.pixels.table.classes))
        for spec in training_runs
    }
    on_cluster = execution.executor == "ray"
    slots = (execution.jobs or 1) if on_cluster else choose_slots(plan, execution)
    parallel_bytes = sum(sorted(sizes.values(), reverse=True)[:slots])
    return DiskNeed(
        weight_bytes=_sum_stored_weights(training_runs, sizes, rule=execution.weight_rule)
        + _sum_temporary_weights(
            training_runs,
            sizes,
            rule=execution.weight_rule,
            read_keys=find_base_run_keys(plan.study.list_runs()),
            parallel_bytes=parallel_bytes,
        ),
        checkpoint_bytes=CHECKPOINT_FACTOR * parallel_bytes,
        artifact_folder=tracker.store.find_artifact_folder(plan.study.dataset.name),
        cache_folder=None if on_cluster else get_cache_dir(),
    )


def sum_disk_needs(needs: Sequence[DiskNeed]) -> DiskNeed:
    """Return the need of studies that run in sequence and use the folders of the first.

    The weights of all studies add up. Checkpoints are deleted, so only the largest need counts.
    """
    return replace(
        needs[0],
        weight_bytes=sum(need.weight_bytes for need in needs),
        checkpoint_bytes=max(need.checkpoint_bytes for need in needs),
    )


def check_disk_space(needs: Sequence[DiskNeed]) -> None:
    """Check that studies which run in sequence fit on the disk.

    The weights of all studies add up. Checkpoints are deleted, so only the largest need counts.

    Raises:
        HarnessError: A file system has less free space than needed.
    """
    required_bytes: dict[int, int] = defaultdict(int)
    folders: dict[int, Path] = {}
    weights = Counter[Path]()
    for need in needs:
        if need.artifact_folder:
            weights[need.artifact_folder] += need.weight_bytes
    checkpoints = {
        need.cache_folder: max(n.checkpoint_bytes for n in needs) for need in needs if need.cache_folder
    }
    for folder, size in (*weights.items(), *checkpoints.items()):
        device_id = _find_existing_folder(folder).stat().st_dev
        required_bytes[device_id] += size
        folders.setdefault(device_id, folder)
    for device_id, size in required_bytes.items():
        free_bytes = _get_free_bytes(folders[device_id])
        if size > free_bytes:
            raise HarnessError(
                "disk-space.too-small",
                f"weights and checkpoints must fit on the disk; they need {_format_bytes(size)} on the disk "
                f"of {folders[device_id]}, which has {_format_bytes(free_bytes)} free: add --keep-weights "
                "best or none, free some space, or put the tracking store (--tracking-uri) or HARNESS_CACHE "
                "on another disk",
            )


def _sum_stored_weights(runs: Sequence[RunSpec], sizes: dict[str, int], *, rule: WeightRule) -> int:
    """Return the bytes of the weights that are kept."""
    stored_runs = [spec for spec in runs if can_keep_weights(spec, rule)]
    if rule == "best":
        stored_runs = list({(spec.architecture, spec.protocol): spec for spec in stored_runs}.values())
    return sum(sizes[spec.key] for spec in stored_runs)


def _sum_temporary_weights(
    runs: Iterable[RunSpec],
    sizes: dict[str, int],
    *,
    rule: WeightRule,
    read_keys: frozenset[str],
    parallel_bytes: int,
) -> int:
    """Return the peak bytes of weights that are stored temporarily.

    These are the weights of cells that have just ended, or that other cells read. Only the weights of one
    split, seed and fold are stored for reading at a time, because the cells that read them run next.
    """
    if rule == "all":
        return 0
    pending_bytes = Counter[tuple[object, ...]]()
    for spec in runs:
        if spec.key in read_keys:
            pending_bytes[spec.protocol, spec.split_seed, spec.seed, spec.fold] += sizes[spec.key]
    return max(parallel_bytes if rule == "best" else 0, *pending_bytes.values(), 0)


def _estimate_weight_bytes(spec: RunSpec, *, num_classes: int) -> int:
    """Return the bytes of a network's weights, or 0 if it cannot be built; its cell reports that error."""
    try:
        cost = count_cost(spec.architecture, num_classes=num_classes, image_size=spec.dataset.image_size)
    except Exception:
        return 0
    return FLOAT_BYTES * cost.parameters


def _find_existing_folder(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _get_free_bytes(folder: Path) -> int:
    return shutil.disk_usage(_find_existing_folder(folder)).free


def _describe_folder(folder: Path) -> str:
    return f"in {folder} ({_format_bytes(_get_free_bytes(folder))} free)"


def _format_bytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
