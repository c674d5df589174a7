"""Leaks that a study's protocols promise to exclude, found before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datasets.audit import Finding, audit_split, compute_leakage, get_excluded_codes, guaranteed_disjoint
from datasets.spec import Split

if TYPE_CHECKING:
    from datasets.pixels.cache import ImageArray
    from harness.plan import StudyPlan


def check_leaks(pixels: ImageArray, splits: Sequence[Split]) -> None:
    """Stop a study of which a split leaks what its protocol promises to exclude.

    Near-duplicates are not looked for: the audit only warns of them, and comparing pixels is slow.

    Raises:
        ValueError: the audit of a split has an error of `datasets.audit.excluded_codes`.
    """
    # Training and validation together are what the test leaves, so equal tests leak alike, whatever the seed.
    unique_splits: dict[tuple[str, tuple[int, ...]], Split] = {}
    for split in splits:
        unique_splits.setdefault((split.protocol, split.test), split)
    for split in unique_splits.values():
        codes = get_excluded_codes(split.protocol)
        findings = audit_split(pixels.table, split, digests=pixels.digests, similarity=None) if codes else ()
        leaks = [finding for finding in findings if finding.severity == "error" and finding.code in codes]
        if leaks:
            raise ValueError(_format_leaks(split, leaks))


def describe_protocol_leakage(plan: StudyPlan, protocol: str) -> str:
    """What the test of a protocol's first split shares with training, in words."""
    from reports.columns import describe_leakage

    split = next(split for split in plan.splits if split.protocol == protocol)
    return f"{protocol}: {describe_leakage(compute_leakage(plan.pixels.table, split))}"


def _format_leaks(split: Split, leaks: Sequence[Finding]) -> str:
    names = " or ".join((*sorted(guaranteed_disjoint(split.protocol)), "image"))
    details = "; ".join(f"{leak.code}: {leak.message}, such as {', '.join(leak.examples)}" for leak in leaks)
    return (
        f"the protocol {split.protocol} promises that no {names} of the test is in training or validation; "
        f"with division {split.seed} and fold {split.fold} the data break this: {details}. Remove the copies "
        "or correct the clips and subjects of these samples (`harness data audit` checks every split), or "
        "allow "
        "the leaks with --allow-leaks, in Python with allow_leaks=True"
    )
