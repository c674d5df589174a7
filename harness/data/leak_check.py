"""Find leaks that a study's protocols must exclude, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datasets.leakage.audit import (
    Finding,
    audit_split,
    compute_leakage,
    get_excluded_codes,
    guaranteed_disjoint,
)
from datasets.spec import SampleTable, Split
from harness.errors import HarnessError

if TYPE_CHECKING:
    from datasets.preprocessing.image_array import ImageArray


def check_leaks(pixels: ImageArray, splits: Sequence[Split]) -> None:
    """Check that no split has a leak that its protocol must exclude.

    The check skips near-duplicates: they are only warnings of the audit, and comparing pixels is slow.

    Raises:
        HarnessError: The audit of a split has an error of `datasets.leakage.audit.get_excluded_codes`.
    """
    # Training and validation together are the complement of the test set, so splits with equal test sets have
    # equal leaks.
    unique_splits: dict[tuple[str, tuple[int, ...]], Split] = {}
    for split in splits:
        unique_splits.setdefault((split.protocol, split.test), split)
    for split in unique_splits.values():
        codes = get_excluded_codes(split.protocol)
        findings = audit_split(pixels.table, split, digests=pixels.digests, similarity=None) if codes else ()
        leaks = [finding for finding in findings if finding.severity == "error" and finding.code in codes]
        if leaks:
            raise HarnessError("split.leaks", _format_leaks(split, leaks))


def describe_split_leakage(table: SampleTable, splits: Sequence[Split], protocol: str) -> str:
    """Describe what the test set of the protocol's first split shares with the training set."""
    from reports.tables.score_columns import describe_leakage

    split = next(split for split in splits if split.protocol == protocol)
    return f"{protocol}: {describe_leakage(compute_leakage(table, split))}"


def _format_leaks(split: Split, leaks: Sequence[Finding]) -> str:
    names = " or ".join((*sorted(guaranteed_disjoint(split.protocol)), "image"))
    details = "; ".join(f"{leak.code}: {leak.message}, such as {', '.join(leak.examples)}" for leak in leaks)
    return (
        f"the protocol {split.protocol} requires that no {names} of the test set is in training or "
        f"validation; split {split.seed}, fold {split.fold} violates this: {details}. Remove the copies or "
        "correct the clip and subject labels of these samples (`harness data audit --all-examples` lists "
        "them), or allow the leaks with --allow-leaks (in Python allow_leaks=True)"
    )
