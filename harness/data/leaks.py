"""Leaks that a study's protocols promise to exclude, found before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datasets.audit import Finding, audit, excluded_codes, leakage, promises
from datasets.spec import Split

if TYPE_CHECKING:
    from datasets.pixels.cache import Pixels
    from harness.plan import Plan


def check_promises(pixels: Pixels, splits: Sequence[Split]) -> None:
    """Stop a study of which a split leaks what its protocol promises to exclude.

    Near-duplicates are not looked for: the audit only warns of them, and comparing pixels is slow.

    Raises:
        ValueError: the audit of a split has an error of `datasets.audit.excluded_codes`.
    """
    # Training and validation together are what the test leaves, so equal tests leak alike, whatever the seed.
    different: dict[tuple[str, tuple[int, ...]], Split] = {}
    for split in splits:
        different.setdefault((split.protocol, split.test), split)
    for split in different.values():
        codes = excluded_codes(split.protocol)
        findings = audit(pixels.table, split, digests=pixels.digests, likeness=None) if codes else ()
        broken = [f for f in findings if f.severity == "error" and f.code in codes]
        if broken:
            raise ValueError(_message(split, broken))


def leakage_in_words(plan: Plan, protocol: str) -> str:
    """What the test of a protocol's first split shares with training, in words."""
    from reports.columns import seen_in_words

    split = next(split for split in plan.splits if split.protocol == protocol)
    return f"{protocol}: {seen_in_words(leakage(plan.pixels.table, split))}"


def _message(split: Split, broken: Sequence[Finding]) -> str:
    names = " or ".join((*sorted(promises(split.protocol)), "image"))
    found = "; ".join(f"{f.code}: {f.text}, such as {', '.join(f.examples)}" for f in broken)
    return (
        f"the protocol {split.protocol} promises that no {names} of the test is in training or validation; "
        f"with division {split.seed} and fold {split.fold} the data break this: {found}. Remove the copies "
        "or correct the clips and subjects of these samples (`harness data audit` checks every split), or "
        "allow "
        "the leaks with --allow-leaks, in Python with allow_leaks=True"
    )
