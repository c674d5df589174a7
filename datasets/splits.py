"""Splits of a sample table by protocol: over frames, as the paper does, or over whole clips or subjects.

`frame`, `clip` and `subject` divide once, 7:2:1. `kfold` and `loso` (leave one subject out) test every
subject once; validation is drawn from the fold's training subjects only. A split over frames puts frames of
one clip, 200 a second, on both sides; the others do not, and pay for it with classes so rare that they
cannot stand in all three parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from datasets.grouping import (
    count_by_group,
    fold_groups,
    shuffle_by_hash,
    train_val_groups,
    train_val_test_groups,
)
from datasets.spec import SampleTable, Split

DEFAULT_FOLDS = 10
_PART_NAMES = ("training", "validation", "test")

Parts = tuple[list[int], list[int], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldSpec:
    """Which of a protocol's divisions is meant: number `fold` of `folds`, drawn for `seed`."""

    seed: int
    fold: int
    folds: int


def split_table(table: SampleTable, protocol: str, *, seed: int, fold: int = 0, folds: int = 0) -> Split:
    """Divide a table by a protocol, one of `PROTOCOLS`; the same for any order of its samples.

    `folds` 0 stands for the protocol's usual number.

    Raises:
        ValueError: the protocol or the fold is unknown, or a class or the groups are too few to divide.
    """
    folds = count_folds(table, protocol, folds=folds if protocol == "kfold" else 0)
    if not 0 <= fold < folds:
        fold_range = "one fold, 0" if folds == 1 else f"the folds 0 to {folds - 1}"
        raise ValueError(f"the protocol {protocol} has {fold_range}; got fold {fold}")
    parts = PROTOCOLS[protocol](table, FoldSpec(seed=seed, fold=fold, folds=folds))
    train, validation, test = (tuple(sorted(part)) for part in parts)
    # Folds are pooled before they are scored, so what one of them lacks in its test is no loss.
    parts_to_check = parts[:2] if folds > 1 else parts
    return Split(
        protocol=protocol,
        fold=fold,
        seed=seed,
        train=train,
        validation=validation,
        test=test,
        warnings=tuple(_list_absent_classes(table, parts_to_check)),
    )


def count_folds(table: SampleTable, protocol: str, *, folds: int = 0) -> int:
    """How many folds a protocol has on this table; `folds` chooses for `kfold`, 0 its usual 10.

    Raises:
        ValueError: the protocol is unknown, or the table cannot be divided so often.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; accepted: {', '.join(PROTOCOLS)}")
    if protocol == "loso":
        return len(set(_get_groups(table, "subject", protocol=protocol)))
    if protocol != "kfold":
        return 1
    num_subjects = len(set(_get_groups(table, "subject", protocol=protocol)))
    if folds and not 2 <= folds <= num_subjects:
        raise ValueError(f"--folds must be from 2 to {num_subjects}, the number of subjects; got {folds}")
    return folds or min(DEFAULT_FOLDS, num_subjects)


def split_by_frame(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """The paper's: of each class's frames, shuffled, floor(0.7 n), floor(0.2 n) and the rest."""
    parts: Parts = ([], [], [])
    for label, (name, count) in enumerate(zip(table.classes, table.count_per_class(), strict=True)):
        if count < 3:
            raise ValueError(
                f"the protocol frame needs at least 3 samples of every class, {name} has {count}; "
                "take another frame policy, or the protocol clip or subject"
            )
        row_by_id = {sample.id: row for row, sample in enumerate(table.samples) if sample.label == label}
        order = shuffle_by_hash(row_by_id, f"frame {fold_spec.seed}")
        train_end = 7 * count // 10
        val_end = train_end + 2 * count // 10
        for part, part_ids in zip(
            parts, (order[:train_end], order[train_end:val_end], order[val_end:]), strict=True
        ):
            part += [row_by_id[name] for name in part_ids]
    if not parts[1]:
        raise ValueError(
            "the protocol frame leaves no sample for validation: every class has fewer than 5, of which a "
            "fifth is none; take another frame policy, or the protocol clip or subject"
        )
    return parts


def split_by_clip(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Whole clips, 7:2:1."""
    groups = _get_groups(table, "clip", protocol="clip")
    return _assign_rows(
        groups, *train_val_test_groups(count_by_group(table, groups), f"clip {fold_spec.seed}")
    )


def split_by_subject(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Whole subjects, 7:2:1."""
    groups = _get_groups(table, "subject", protocol="subject")
    return _assign_rows(
        groups, *train_val_test_groups(count_by_group(table, groups), f"subject {fold_spec.seed}")
    )


def split_kfold(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """One of k folds over subjects as the test, 7:2 of the others' subjects as training and validation.

    Where the field has folds of its own (`SampleTable.usual_folds`) they are taken: subjects in ascending
    order, dealt in turn, whatever the seed.
    """
    groups = _get_groups(table, "subject", protocol="kfold")
    counts = count_by_group(table, groups)
    if fold_spec.folds == table.standard_folds:
        test = sorted(counts)[fold_spec.fold :: fold_spec.folds]
    else:
        test = fold_groups(counts, f"kfold {fold_spec.seed}", folds=fold_spec.folds)[fold_spec.fold]
    return _build_fold_parts(groups, test, table=table, key=f"kfold {fold_spec.seed} {fold_spec.fold}")


def split_loso(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """One subject as the test, in ascending order of names, 7:2 of the others as the rest."""
    groups = _get_groups(table, "subject", protocol="loso")
    test = sorted(set(groups))[fold_spec.fold]
    return _build_fold_parts(groups, [test], table=table, key=f"loso {fold_spec.seed} {test}")


PROTOCOLS: dict[str, Callable[[SampleTable, FoldSpec], Parts]] = {
    "frame": split_by_frame,
    "clip": split_by_clip,
    "subject": split_by_subject,
    "kfold": split_kfold,
    "loso": split_loso,
}


def _build_fold_parts(groups: Sequence[str], test: Sequence[str], *, table: SampleTable, key: str) -> Parts:
    """The parts around a test fold, the validation drawn from the subjects that are left."""
    train_val_counts = {
        name: count for name, count in count_by_group(table, groups).items() if name not in set(test)
    }
    return _assign_rows(groups, *train_val_groups(train_val_counts, key), test)


def _get_groups(table: SampleTable, kind: str, *, protocol: str) -> list[str]:
    """The clip or subject of every sample; ValueError where one is not known or there are too few."""
    groups = [sample.clip if kind == "clip" else sample.subject for sample in table.samples]
    if missing := groups.count(""):
        all_missing = missing == len(groups)
        first_id = table.samples[groups.index("")].id
        count_note = f" of {missing} of its {len(groups)} samples, the first: {first_id}"
        raise ValueError(
            f"the protocol {protocol} needs every sample's {kind}, which {table.dataset} does not give"
            + ("" if all_missing else count_note)
            + (f" in its layout {table.layout}" if table.layout else "")
            + "; take the protocol frame, or "
            + (
                f"a release that tells {kind}s"
                if all_missing
                else f"tell the {kind} of these or leave them out"
            )
        )
    if len(set(groups)) < 3:
        raise ValueError(
            f"the protocol {protocol} needs at least 3 {kind}s, {table.dataset} has {len(set(groups))}; "
            "take the protocol frame"
        )
    return groups


def _assign_rows(groups: Sequence[str], *parts: Sequence[str]) -> Parts:
    """The rows of the groups in each of three parts."""
    part_of = {name: part for part, members in enumerate(parts) for name in members}
    rows: Parts = ([], [], [])
    for row, group in enumerate(groups):
        rows[part_of[group]].append(row)
    return rows


def _list_absent_classes(table: SampleTable, parts: Sequence[Sequence[int]]) -> Iterable[str]:
    """One text for every class that a part has no sample of."""
    for name, part in zip(_PART_NAMES, parts, strict=False):
        present_labels = {table.samples[row].label for row in part}
        for label, count in enumerate(table.count_per_class()):
            if label not in present_labels:
                yield f"{table.classes[label]} is absent from {name} ({count} samples in all)"
