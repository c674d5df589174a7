"""How much of a disk a study needs for weights and checkpoints, and whether that much is free."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.pixels.store import cache_dir
from harness.cost import count
from harness.running.executors import at_once
from harness.running.weights_kept import keys_read, may_keep
from studies.spec import RunSpec

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.running.executors import KeepWeights, Running
    from harness.tracking.ledger import Ledger

FLOAT = 4
"""Bytes of a parameter."""

CHECKPOINT = 2 * 4
"""A cell's checkpoints over its weights: two files of weights, Adam's two moments and the best weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskNeed:
    """Bytes that the cells of a study still need, and the folders of this machine that these go to.

    `artifacts` is None where a server keeps the weights, `cache` where other machines keep the checkpoints.
    """

    weights: int
    checkpoints: int
    artifacts: Path | None
    cache: Path | None

    def document(self) -> dict[str, Any]:
        """As JSON has it, with what is free."""
        return {
            "weights_bytes": self.weights,
            "weights_folder": self.artifacts and str(self.artifacts),
            "weights_free_bytes": self.artifacts and _free(self.artifacts),
            "checkpoints_bytes": self.checkpoints,
            "checkpoints_folder": self.cache and str(self.cache),
            "checkpoints_free_bytes": self.cache and _free(self.cache),
        }

    def in_words(self) -> str:
        """For the plan line."""
        places = [
            f"{_size(self.weights)} of weights "
            + (_in_words(self.artifacts) if self.artifacts else "on the tracking server (not checked)"),
            f"up to {_size(self.checkpoints)} of checkpoints "
            + (_in_words(self.cache) if self.cache else "on the cluster's nodes (not checked)"),
        ]
        return f"disk: {', '.join(places)}"


def disk_need(plan: Plan, cells: Sequence[RunSpec], *, ledger: Ledger, running: Running) -> DiskNeed:
    """What `cells` of the plan, which are still to be run, need."""
    trained = [spec for spec in cells if spec.trains]
    sizes = {spec.key: _weights(spec, classes=len(plan.pixels.table.classes)) for spec in trained}
    on_cluster = running.executor == "ray"
    slots = (running.jobs or 1) if on_cluster else at_once(plan, running)
    largest = sum(sorted(sizes.values(), reverse=True)[:slots])
    return DiskNeed(
        weights=_kept(trained, sizes, rule=running.weights)
        + _passing(trained, sizes, rule=running.weights, read=keys_read(plan.study.runs()), largest=largest),
        checkpoints=CHECKPOINT * largest,
        artifacts=ledger.artifact_folder(plan.study.dataset.name),
        cache=None if on_cluster else cache_dir(),
    )


def check_room(needs: Sequence[DiskNeed]) -> None:
    """See that studies which run one after the other have room: weights add up, checkpoints go.

    Raises:
        ValueError: a file system has less free than is needed there.
    """
    needed: dict[int, int] = defaultdict(int)
    folders: dict[int, Path] = {}
    weights = Counter[Path]()
    for need in needs:
        if need.artifacts:
            weights[need.artifacts] += need.weights
    checkpoints = {need.cache: max(n.checkpoints for n in needs) for need in needs if need.cache}
    for folder, size in (*weights.items(), *checkpoints.items()):
        device = _existing(folder).stat().st_dev
        needed[device] += size
        folders.setdefault(device, folder)
    for device, size in needed.items():
        free = _free(folders[device])
        if size > free:
            raise ValueError(
                f"weights and checkpoints must fit the disk; they need {_size(size)} on that of "
                f"{folders[device]}, where {_size(free)} are free: add --keep-weights best or none, free "
                "some space, or put the tracking store (--tracking-uri) or HARNESS_CACHE on another disk"
            )


def _kept(trained: Sequence[RunSpec], sizes: dict[str, int], *, rule: KeepWeights) -> int:
    """Bytes of the weights that stay."""
    kept = [spec for spec in trained if may_keep(spec, rule)]
    if rule == "best":
        kept = list({(spec.architecture, spec.protocol): spec for spec in kept}.values())
    return sum(sizes[spec.key] for spec in kept)


def _passing(
    trained: Iterable[RunSpec],
    sizes: dict[str, int],
    *,
    rule: KeepWeights,
    read: frozenset[str],
    largest: int,
) -> int:
    """Bytes of the weights that are there for a while: of cells that have just ended, or that others read.

    Those read are of one division, seed and fold, whose readers follow.
    """
    if rule == "all":
        return 0
    waiting = Counter[tuple[object, ...]]()
    for spec in trained:
        if spec.key in read:
            waiting[spec.protocol, spec.split_seed, spec.seed, spec.fold] += sizes[spec.key]
    return max(largest if rule == "best" else 0, *waiting.values(), 0)


def _weights(spec: RunSpec, *, classes: int) -> int:
    """Bytes of a network's weights; 0 if it cannot be built, which its cell will say."""
    try:
        cost = count(spec.architecture, classes=classes, image_size=spec.dataset.image_size)
    except Exception:
        return 0
    return FLOAT * cost.parameters


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _free(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder)).free


def _in_words(folder: Path) -> str:
    return f"in {folder} ({_size(_free(folder))} free)"


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
