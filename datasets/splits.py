"""Splits of a sample table by protocol: over frames, as in the paper, or over clips or subjects.

`frame`, `clip` and `subject` give one split, 7:2:1. `kfold`, `loso` (leave one subject out) and `lodo` (leave
one data set of a composite out) test every subject once; their validation part comes from the training
subjects of the fold. A split over frames puts frames of one clip, recorded at 200 per second, into several
parts. The other protocols do not, but with them a rare class can be absent from a part.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from datasets.catalogue import DATASETS
from datasets.errors import DatasetError
from datasets.spec import SampleTable, Split
from datasets.stratification import (
    count_by_group,
    fold_groups,
    shuffle_by_hash,
    train_val_groups,
    train_val_test_groups,
)
from datasets.text import pluralize, summarize_names

DEFAULT_FOLDS = 10
MIN_CLASS_SAMPLES = 3
"""Samples of a class that a split over frames needs: one for each part."""

_FRAME_PROTOCOL = "the protocol frame, whose test samples share clips and subjects with training"
_SMALL_CLASS_REMEDY = ": add samples of this class, or leave it out with --classes"
_PART_NAMES = ("training", "validation", "test")

Parts = tuple[list[int], list[int], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldSpec:
    """One split of a protocol: fold number `fold` of `folds`, for `seed`."""

    seed: int
    fold: int
    folds: int


def split_table(table: SampleTable, protocol: str, *, seed: int, fold: int = 0, folds: int = 0) -> Split:
    """Split a table by one of `PROTOCOLS`. The order of the samples does not matter.

    `folds` 0 selects the default number of the protocol.

    Raises:
        DatasetError: The protocol or the fold is unknown, or a class or the groups are too few to split.
    """
    folds = count_folds(table, protocol, folds=folds if protocol == "kfold" else 0)
    if not 0 <= fold < folds:
        fold_range = "one fold, 0" if folds == 1 else f"the folds 0 to {folds - 1}"
        raise DatasetError("fold.range", f"the protocol {protocol} has {fold_range}; got fold {fold}")
    if max(table.count_per_class()) < 2:
        raise DatasetError(
            "classes.one-sample-each",
            f"a split needs a class with at least 2 samples; every class of {table.dataset} has 1: add "
            "samples, or name as --root the folder that holds the class folders",
        )
    parts = PROTOCOLS[protocol](table, FoldSpec(seed=seed, fold=fold, folds=folds))
    train, validation, test = (tuple(sorted(part)) for part in parts)
    # Test folds are pooled before scoring, so a class absent from one test fold is not lost.
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
    """Return the number of folds of a protocol on this table.

    `folds` sets it for `kfold`; 0 selects `DEFAULT_FOLDS`, or the number of subjects if that is smaller.

    Raises:
        DatasetError: The protocol is unknown, or the table has fewer subjects than folds.
    """
    if protocol not in PROTOCOLS:
        raise DatasetError(
            "protocol.unknown", f"unknown protocol {protocol!r}; accepted: {', '.join(PROTOCOLS)}"
        )
    if protocol == "loso":
        return len(set(_get_groups(table, "subject", protocol=protocol)))
    if protocol == "lodo":
        return len(_get_parts(table))
    if protocol != "kfold":
        return 1
    num_subjects = len(set(_get_groups(table, "subject", protocol=protocol)))
    if folds and not 2 <= folds <= num_subjects:
        raise DatasetError(
            "fold-count.range",
            f"--folds must be from 2 to {num_subjects}, the number of subjects; got {folds}",
        )
    return folds or min(DEFAULT_FOLDS, num_subjects)


def split_by_frame(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Split as in the paper: shuffle each class's n frames; take floor(0.7 n), floor(0.2 n) and the rest."""
    parts: Parts = ([], [], [])
    _check_class_sizes(table)
    for label, count in enumerate(table.count_per_class()):
        row_by_id = {sample.id: row for row, sample in enumerate(table.samples) if sample.label == label}
        order = shuffle_by_hash(row_by_id, f"frame {fold_spec.seed}")
        train_end = 7 * count // 10
        val_end = train_end + 2 * count // 10
        for part, part_ids in zip(
            parts, (order[:train_end], order[train_end:val_end], order[val_end:]), strict=True
        ):
            part += [row_by_id[name] for name in part_ids]
    if not parts[1]:
        raise DatasetError(
            "validation.no-samples",
            "the protocol frame leaves no sample for validation: a class needs at least 5 samples to give "
            "one, and no class has 5; take another frame policy, or the protocol clip or subject",
        )
    return parts


def _check_class_sizes(table: SampleTable) -> None:
    """Raise DatasetError if a class has too few samples for a split over frames."""
    counts = dict(zip(table.classes, table.count_per_class(), strict=True))
    small_classes = [name for name, count in counts.items() if count < MIN_CLASS_SAMPLES]
    if not small_classes:
        return
    other_classes = [name for name in counts if name not in small_classes]
    entry = DATASETS.get(table.dataset)
    has_one_policy = entry is not None and len(entry.frame_policies) == 1
    remedies = ["add samples of these classes" if has_one_policy else "take another frame policy"]
    if len(other_classes) > 1:
        remedies.append(f"leave them out with --classes {shlex.quote(','.join(other_classes))}")
    if any(sample.clip or sample.subject for sample in table.samples):
        remedies.append("take the protocol clip or subject")
    sizes = summarize_names([f"{name} has {counts[name]}" for name in small_classes])
    raise DatasetError(
        "class.too-few-samples",
        f"the protocol frame needs at least {MIN_CLASS_SAMPLES} samples of every class; {sizes}: "
        f"{', or '.join(remedies)}",
    )


def split_by_clip(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Split whole clips, 7:2:1."""
    groups = _get_groups(table, "clip", protocol="clip")
    return _assign_rows(
        groups, *train_val_test_groups(count_by_group(table, groups), f"clip {fold_spec.seed}")
    )


def split_by_subject(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Split whole subjects, 7:2:1."""
    groups = _get_groups(table, "subject", protocol="subject")
    return _assign_rows(
        groups, *train_val_test_groups(count_by_group(table, groups), f"subject {fold_spec.seed}")
    )


def split_kfold(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Take one of k folds over subjects as the test; split the others 7:2 into training and validation.

    If `folds` is the standard number of the literature (`SampleTable.standard_folds`), subjects are dealt to
    the folds in turn, in ascending order, for every seed.
    """
    groups = _get_groups(table, "subject", protocol="kfold")
    counts = count_by_group(table, groups)
    if fold_spec.folds == table.standard_folds:
        test = sorted(counts)[fold_spec.fold :: fold_spec.folds]
    else:
        test = fold_groups(counts, f"kfold {fold_spec.seed}", folds=fold_spec.folds)[fold_spec.fold]
    return _build_fold_parts(groups, test, table=table, key=f"kfold {fold_spec.seed} {fold_spec.fold}")


def split_loso(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Take subject number `fold`, in ascending order, as the test; split the others 7:2."""
    groups = _get_groups(table, "subject", protocol="loso")
    test = sorted(set(groups))[fold_spec.fold]
    return _build_fold_parts(groups, [test], table=table, key=f"loso {fold_spec.seed} {test}")


def split_lodo(table: SampleTable, fold_spec: FoldSpec) -> Parts:
    """Take data set number `fold` of a composite, by name, as the test; split the others' subjects 7:2."""
    groups, part = _get_groups(table, "subject", protocol="lodo"), _get_parts(table)[fold_spec.fold]
    test = sorted({sample.subject for sample in table.samples if sample.part == part})
    return _build_fold_parts(groups, test, table=table, key=f"lodo {fold_spec.seed} {part}")


def _get_parts(table: SampleTable) -> list[str]:
    """Return the data sets of a composite, by name; raise DatasetError if the table has fewer than 2."""
    parts = sorted({sample.part for sample in table.samples})
    if len(parts) < 2:
        composites = ", ".join(name for name, entry in DATASETS.items() if entry.is_composite)
        raise DatasetError(
            "split-part.too-few",
            "the protocol lodo leaves one data set of a composite out, so it needs at least 2; "
            f"{table.dataset} is one data set: take --dataset {composites}, or the protocol loso",
        )
    return parts


PROTOCOLS: dict[str, Callable[[SampleTable, FoldSpec], Parts]] = {
    "frame": split_by_frame,
    "clip": split_by_clip,
    "subject": split_by_subject,
    "kfold": split_kfold,
    "loso": split_loso,
    "lodo": split_lodo,
}


def _build_fold_parts(groups: Sequence[str], test: Sequence[str], *, table: SampleTable, key: str) -> Parts:
    """Return training, validation and test rows; split the groups outside the test fold 7:2."""
    train_val_counts = {
        name: count for name, count in count_by_group(table, groups).items() if name not in set(test)
    }
    return _assign_rows(groups, *train_val_groups(train_val_counts, key), test)


def _get_groups(table: SampleTable, kind: str, *, protocol: str) -> list[str]:
    """Return the clip or subject of every sample.

    Raises:
        DatasetError: A clip or subject is unknown, or there are fewer than 3.
    """
    groups = [sample.clip if kind == "clip" else sample.subject for sample in table.samples]
    if missing := groups.count(""):
        first_id = table.samples[groups.index("")].id
        count_note = f" of {missing} of its {len(groups)} samples, the first: {first_id}"
        is_partial = missing < len(groups)
        raise DatasetError(
            "split-group.missing",
            f"the protocol {protocol} needs every sample's {kind}, which {table.dataset} does not give"
            + (count_note if is_partial else "")
            + (f" in its layout {table.layout}" if table.layout else "")
            + (f". Add the {kind} of these samples or leave them out" if is_partial else "")
            + _explain_groups(table, kind, is_partial=is_partial),
        )
    if len(set(groups)) < 3:
        raise DatasetError(
            "split-group.too-few",
            f"the protocol {protocol} needs at least 3 {kind}s; {table.dataset} has {len(set(groups))}: add "
            f"data of other {kind}s, or take {_FRAME_PROTOCOL}",
        )
    return groups


def _explain_groups(table: SampleTable, kind: str, *, is_partial: bool) -> str:
    """Return what to do if the table does not name the subjects or clips (`kind`) of all or some samples."""
    entry = DATASETS.get(table.dataset)
    if entry and entry.groups_help:
        return f". {entry.groups_help.format(kind=kind)}"
    return "" if is_partial else f". Take a release that names {kind}s, or {_FRAME_PROTOCOL}"


def _assign_rows(groups: Sequence[str], *parts: Sequence[str]) -> Parts:
    """Return the rows of the groups of each of three parts."""
    part_of = {name: part for part, members in enumerate(parts) for name in members}
    rows: Parts = ([], [], [])
    for row, group in enumerate(groups):
        rows[part_of[group]].append(row)
    return rows


def _list_absent_classes(table: SampleTable, parts: Sequence[Sequence[int]]) -> Iterable[str]:
    """Yield one message for each class that a part has no sample of."""
    for name, part in zip(_PART_NAMES, parts, strict=False):
        present_labels = {table.samples[row].label for row in part}
        for label, count in enumerate(table.count_per_class()):
            if label not in present_labels:
                yield (
                    f"{table.classes[label]} is absent from {name} ({pluralize(count, 'sample')} in all"
                    f"{_SMALL_CLASS_REMEDY if count < MIN_CLASS_SAMPLES else ''})"
                )
