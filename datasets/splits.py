"""Splits of a sample table by protocol: over frames, as the paper does, or over whole clips or subjects.

`frame`, `clip` and `subject` divide once, 7:2:1. `kfold` and `loso` (leave one subject out) test every
subject once; validation is drawn from the fold's training subjects only. A split over frames puts frames of
one clip, 200 a second, on both sides; the others do not, and pay for it with classes so rare that they
cannot stand in all three parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from datasets.grouping import counts_of, in_folds, in_three, in_two, shuffled
from datasets.spec import SampleTable, Split

FOLDS = 10
_PARTS = ("training", "validation", "test")

Parts = tuple[list[int], list[int], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Which of a protocol's divisions is meant: number `fold` of `folds`, drawn for `seed`."""

    seed: int
    fold: int
    folds: int


def split(table: SampleTable, protocol: str, *, seed: int, fold: int = 0, folds: int = 0) -> Split:
    """Divide a table by a protocol, one of `PROTOCOLS`; the same for any order of its samples.

    `folds` 0 stands for the protocol's usual number.

    Raises:
        ValueError: the protocol or the fold is unknown, or a class or the groups are too few to divide.
    """
    folds = folds_of(table, protocol, folds=folds if protocol == "kfold" else 0)
    if not 0 <= fold < folds:
        what = "one fold, 0" if folds == 1 else f"the folds 0 to {folds - 1}"
        raise ValueError(f"the protocol {protocol} has {what}; got fold {fold}")
    parts = PROTOCOLS[protocol](table, Fold(seed=seed, fold=fold, folds=folds))
    train, validation, test = (tuple(sorted(part)) for part in parts)
    # Folds are pooled before they are scored, so what one of them lacks in its test is no loss.
    read = parts[:2] if folds > 1 else parts
    return Split(
        protocol=protocol,
        fold=fold,
        seed=seed,
        train=train,
        validation=validation,
        test=test,
        warnings=tuple(_absent(table, read)),
    )


def folds_of(table: SampleTable, protocol: str, *, folds: int = 0) -> int:
    """How many folds a protocol has on this table; `folds` chooses for `kfold`, 0 its usual 10.

    Raises:
        ValueError: the protocol is unknown, or the table cannot be divided so often.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; accepted: {', '.join(PROTOCOLS)}")
    if protocol == "loso":
        return len(set(_groups(table, "subject", protocol=protocol)))
    if protocol != "kfold":
        return 1
    subjects = len(set(_groups(table, "subject", protocol=protocol)))
    if folds and not 2 <= folds <= subjects:
        raise ValueError(f"--folds must be from 2 to {subjects}, the number of subjects; got {folds}")
    return folds or min(FOLDS, subjects)


def over_frames(table: SampleTable, which: Fold) -> Parts:
    """The paper's: of each class's frames, shuffled, floor(0.7 n), floor(0.2 n) and the rest."""
    parts: Parts = ([], [], [])
    for label, (name, count) in enumerate(zip(table.classes, table.counts(), strict=True)):
        if count < 3:
            raise ValueError(
                f"the protocol frame needs at least 3 samples of every class, {name} has {count}; "
                "take another frame policy, or the protocol clip or subject"
            )
        rows = {sample.id: row for row, sample in enumerate(table.samples) if sample.label == label}
        order = shuffled(rows, f"frame {which.seed}")
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


def over_clips(table: SampleTable, which: Fold) -> Parts:
    """Whole clips, 7:2:1."""
    groups = _groups(table, "clip", protocol="clip")
    return _rows(groups, *in_three(counts_of(table, groups), f"clip {which.seed}"))


def over_subjects(table: SampleTable, which: Fold) -> Parts:
    """Whole subjects, 7:2:1."""
    groups = _groups(table, "subject", protocol="subject")
    return _rows(groups, *in_three(counts_of(table, groups), f"subject {which.seed}"))


def over_subject_folds(table: SampleTable, which: Fold) -> Parts:
    """One of k folds over subjects as the test, 7:2 of the others' subjects as training and validation.

    Where the field has folds of its own (`SampleTable.usual_folds`) they are taken: subjects in ascending
    order, dealt in turn, whatever the seed.
    """
    groups = _groups(table, "subject", protocol="kfold")
    counts = counts_of(table, groups)
    if which.folds == table.usual_folds:
        test = sorted(counts)[which.fold :: which.folds]
    else:
        test = in_folds(counts, f"kfold {which.seed}", folds=which.folds)[which.fold]
    return _around(groups, test, table=table, key=f"kfold {which.seed} {which.fold}")


def over_each_subject(table: SampleTable, which: Fold) -> Parts:
    """One subject as the test, in ascending order of names, 7:2 of the others as the rest."""
    groups = _groups(table, "subject", protocol="loso")
    test = sorted(set(groups))[which.fold]
    return _around(groups, [test], table=table, key=f"loso {which.seed} {test}")


PROTOCOLS: dict[str, Callable[[SampleTable, Fold], Parts]] = {
    "frame": over_frames,
    "clip": over_clips,
    "subject": over_subjects,
    "kfold": over_subject_folds,
    "loso": over_each_subject,
}


def _around(groups: Sequence[str], test: Sequence[str], *, table: SampleTable, key: str) -> Parts:
    """The parts around a test fold, the validation drawn from the subjects that are left."""
    rest = {name: count for name, count in counts_of(table, groups).items() if name not in set(test)}
    return _rows(groups, *in_two(rest, key), test)


def _groups(table: SampleTable, kind: str, *, protocol: str) -> list[str]:
    """The clip or subject of every sample; ValueError where one is not known or there are too few."""
    groups = [sample.clip if kind == "clip" else sample.subject for sample in table.samples]
    if untold := groups.count(""):
        every = untold == len(groups)
        first = table.samples[groups.index("")].id
        some = f" of {untold} of its {len(groups)} samples, the first: {first}"
        raise ValueError(
            f"the protocol {protocol} needs every sample's {kind}, which {table.dataset} does not give"
            + ("" if every else some)
            + (f" in its layout {table.layout}" if table.layout else "")
            + "; take the protocol frame, or "
            + (f"a release that tells {kind}s" if every else f"tell the {kind} of these or leave them out")
        )
    if len(set(groups)) < 3:
        raise ValueError(
            f"the protocol {protocol} needs at least 3 {kind}s, {table.dataset} has {len(set(groups))}; "
            "take the protocol frame"
        )
    return groups


def _rows(groups: Sequence[str], *parts: Sequence[str]) -> Parts:
    """The rows of the groups in each of three parts."""
    part_of = {name: part for part, members in enumerate(parts) for name in members}
    rows: Parts = ([], [], [])
    for row, group in enumerate(groups):
        rows[part_of[group]].append(row)
    return rows


def _absent(table: SampleTable, parts: Sequence[Sequence[int]]) -> Iterable[str]:
    """One text for every class that a part has no sample of."""
    for name, part in zip(_PARTS, parts, strict=False):
        present = {table.samples[row].label for row in part}
        for label, count in enumerate(table.counts()):
            if label not in present:
                yield f"{table.classes[label]} is absent from {name} ({count} samples in all)"
