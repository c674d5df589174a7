"""7:2:1 splits of a sample table: over frames, as the paper does, or over whole clips or subjects.

A split over frames puts frames of one clip, 200 a second, on both sides; the others do not, and pay for it
with classes so rare that they cannot stand in all three parts. The order drawn for a seed comes from a hash
of the names and not from a generator: it is the same under every version of every library, and does not
depend on the table's order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.spec import SampleTable, Split

DRAWS = 300
_PARTS = ("training", "validation", "test")

Parts = tuple[list[int], list[int], list[int]]


def split(table: SampleTable, protocol: str, *, seed: int, fold: int = 0) -> Split:
    """Divide a table by a protocol, one of `PROTOCOLS`; the same for any order of its samples.

    Raises:
        ValueError: the protocol or the fold is unknown, or a class or the groups are too few to divide.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; accepted: {', '.join(PROTOCOLS)}")
    if fold != 0:
        raise ValueError(f"the protocol {protocol} has one fold, 0; got fold {fold}")
    parts = PROTOCOLS[protocol](table, seed)
    train, validation, test = (tuple(sorted(part)) for part in parts)
    return Split(
        protocol=protocol,
        fold=fold,
        seed=seed,
        train=train,
        validation=validation,
        test=test,
        warnings=tuple(_absent(table, parts)),
    )


def over_frames(table: SampleTable, seed: int) -> Parts:
    """The paper's: of each class's frames, shuffled, floor(0.7 n), floor(0.2 n) and the rest."""
    parts: Parts = ([], [], [])
    for label, (name, count) in enumerate(zip(table.classes, table.counts(), strict=True)):
        if count < 3:
            raise ValueError(
                f"the protocol frame needs at least 3 samples of every class, {name} has {count}; "
                "take another frame policy, or the protocol clip or subject"
            )
        rows = {sample.id: row for row, sample in enumerate(table.samples) if sample.label == label}
        order = _shuffled(rows, f"frame {seed}")
        first = 7 * count // 10
        second = first + 2 * count // 10
        for part, names in zip(parts, (order[:first], order[first:second], order[second:]), strict=True):
            part += [rows[name] for name in names]
    if not parts[1]:
        raise ValueError(
            "the protocol frame leaves no sample for validation: every class has fewer than 5, of which a "
            "fifth is none; take another frame policy, or the protocol clip or subject"
        )
    return parts


def over_clips(table: SampleTable, seed: int) -> Parts:
    """Whole clips, 7:2:1."""
    return _over_groups(table, [sample.clip for sample in table.samples], f"clip {seed}")


def over_subjects(table: SampleTable, seed: int) -> Parts:
    """Whole subjects, 7:2:1."""
    return _over_groups(table, [sample.subject for sample in table.samples], f"subject {seed}")


PROTOCOLS: dict[str, Callable[[SampleTable, int], Parts]] = {
    "frame": over_frames,
    "clip": over_clips,
    "subject": over_subjects,
}


def _shuffled(names: Iterable[str], key: str) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f"{key} {name}".encode()).digest())


def _over_groups(table: SampleTable, groups: Sequence[str], key: str) -> Parts:
    """The best of `DRAWS` divisions of whole groups: see `_badness`."""
    kind, names = key.split()[0], set(groups)
    if "" in names:
        raise ValueError(
            f"the protocol {kind} needs every sample's {kind}, which {table.dataset} does not give"
        )
    if len(names) < 3:
        raise ValueError(
            f"the protocol {kind} needs at least 3 {kind}s, {table.dataset} has {len(names)}; "
            "take the protocol frame"
        )
    counts = {name: np.zeros(len(table.classes), dtype=np.int64) for name in names}
    for sample, group in zip(table.samples, groups, strict=True):
        counts[group][sample.label] += 1
    validation = max(1, 2 * len(names) // 10)
    train = min(7 * len(names) // 10, len(names) - validation - 1)
    cuts = (slice(train), slice(train, train + validation), slice(train + validation, None))
    orders = (_shuffled(names, f"{key} {draw}") for draw in range(DRAWS))
    best = min(
        ([order[cut] for cut in cuts] for order in orders),
        key=lambda parts: _badness(np.array([sum(counts[name] for name in part) for part in parts])),
    )
    part_of = {name: part for part, members in enumerate(best) for name in members}
    parts: Parts = ([], [], [])
    for row, group in enumerate(groups):
        parts[part_of[group]].append(row)
    return parts


def _badness(counts: NDArray[np.int64]) -> tuple[int, int, int, float]:
    """How bad a division is, from its (3, classes) counts; compared in this order.

    Classes lost from training, from the test and from validation, then how far the parts' class shares are
    from the whole table's.
    """
    total = counts.sum(axis=0)
    lost = [int(((part == 0) & (total > 0)).sum()) for part in counts]
    shares = counts / counts.sum(axis=1, keepdims=True)
    deviation = np.abs(shares - total / total.sum()).sum()
    # Rounded, so that equally good divisions are equal on every machine, and the first drawn is taken.
    return lost[0], lost[2], lost[1], round(float(deviation), 9)


def _absent(table: SampleTable, parts: Parts) -> Iterable[str]:
    """One text for every class that a part has no sample of."""
    for name, part in zip(_PARTS, parts, strict=True):
        present = {table.samples[row].label for row in part}
        for label, count in enumerate(table.counts()):
            if label not in present:
                yield f"{table.classes[label]} is absent from {name} ({count} samples in all)"
