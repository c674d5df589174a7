"""How much of a test set a network has met while it learned: the same clip, person, bytes, or nearly so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from datasets.spec import Leakage, SampleTable, Split

if TYPE_CHECKING:
    from datasets.likeness import Likeness

EXAMPLES = 3
SAME_BYTES = "same-bytes"
NEAR_DUPLICATE = "near-duplicate"
_PROMISES = {
    "clip": frozenset({"clip"}),
    "subject": frozenset({"clip", "subject"}),
    "kfold": frozenset({"clip", "subject"}),
    "loso": frozenset({"clip", "subject"}),
}

Severity = Literal["error", "warning"]
Pairs = dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which a split leaks.

    `count` samples, the `share` (0 to 1) of the test samples, are concerned; of the validation samples where
    `code` is "validation-shared". `examples` name at most `EXAMPLES` of them as "id ~ the other's id".
    """

    code: str
    severity: Severity
    share: float
    count: int
    examples: tuple[str, ...]
    text: str


def promises(protocol: str) -> frozenset[str]:
    """What a protocol never lets stand on both sides, of "clip" and "subject"; nothing if it is unknown."""
    return _PROMISES.get(protocol, frozenset())


def leakage(table: SampleTable, split: Split) -> Leakage:
    """Shares of the test samples whose clip, and whose subject, are also in training.

    A share is known only if every test and every training sample names its clip, or its subject.
    """
    assert split.test, "a split always leaves a test sample"
    return Leakage(clip=_share(table, split, key="clip"), subject=_share(table, split, key="subject"))


def _share(table: SampleTable, split: Split, *, key: str) -> float | None:
    if not all(getattr(table.samples[row], key) for row in (*split.train, *split.test)):
        return None
    return len(_sharing(table, split.test, others=split.train, key=key)) / len(split.test)


def audit(
    table: SampleTable, split: Split, *, digests: Sequence[str], likeness: Likeness | None
) -> tuple[Finding, ...]:
    """Every leak of a split from training and validation into the test; () if there is none.

    `digests` are those of the images' bytes by row of the table, "" or none at all where not known;
    `likeness` is the table's (`datasets.likeness`), None to compare no pixels. The codes, in this order:

    - shared-clip, an error: a test sample's clip is in training or validation.
    - shared-subject, an error where the protocol promises that none is, else a warning.
    - same-bytes, an error: a test sample's image is in training or validation under another name.
    - near-duplicate, a warning: it looks almost like an image there, of another clip and other bytes.
    - validation-shared, a warning: what the protocol keeps apart stands in training and validation.
    """
    assert split.test, "a split always leaves a test sample"
    assert not digests or len(digests) == len(table.samples), (len(digests), len(table.samples))
    rest = sorted({*split.train, *split.validation})
    kept = promises(split.protocol)
    broken = f", which the protocol {split.protocol} promises not to happen"
    clips = _sharing(table, split.test, others=rest, key="clip")
    subjects = _sharing(table, split.test, others=rest, key="subject")
    same = _matches(split.test, rest, of=lambda row: digests[row] if digests else "")
    near, basis = _near(split.test, rest, likeness=likeness, known=same)
    validated = {
        row: other
        for key in sorted(kept, reverse=True)
        for row, other in _sharing(table, split.validation, others=split.train, key=key).items()
    }
    severity: Severity = "error" if "subject" in kept else "warning"
    there = "in training or validation"
    clip_there = f"have their clip {there}{broken if 'clip' in kept else ''}"
    subject_there = f"have their subject {there}{broken if 'subject' in kept else ''}"
    kinds: tuple[tuple[str, Severity, Pairs, str], ...] = (
        ("shared-clip", "error", clips, clip_there),
        ("shared-subject", severity, subjects, subject_there),
        (SAME_BYTES, "error", same, f"are byte for byte an image {there}"),
        (NEAR_DUPLICATE, "warning", near, f"look almost like an image {there}{basis}"),
    )
    found = [_finding(table, *kind, part="test", total=len(split.test)) for kind in kinds if kind[2]]
    if validated:
        what = f"have their {' or '.join(sorted(kept))} in training{broken}"
        total = len(split.validation)
        found.append(
            _finding(table, "validation-shared", "warning", validated, what, part="validation", total=total)
        )
    return tuple(found)


def _finding(
    table: SampleTable, code: str, severity: Severity, pairs: Pairs, what: str, *, part: str, total: int
) -> Finding:
    count = len(pairs)
    name = [sample.id for sample in table.samples]
    return Finding(
        code=code,
        severity=severity,
        share=count / total,
        count=count,
        examples=tuple(f"{name[row]} ~ {name[other]}" for row, other in islice(pairs.items(), EXAMPLES)),
        text=f"{count} of {total} {part} samples ({count / total:.1%}) {what}",
    )


def _sharing(table: SampleTable, rows: Sequence[int], *, others: Sequence[int], key: str) -> Pairs:
    return _matches(rows, others, of=lambda row: str(getattr(table.samples[row], key)))


def _matches(rows: Iterable[int], others: Iterable[int], *, of: Callable[[int], str]) -> Pairs:
    """The rows of which another one is the same in `of`, with the first such; "" is not known, no match."""
    first: dict[str, int] = {}
    for other in others:
        first.setdefault(of(other), other)
    return {row: first[of(row)] for row in rows if of(row) and of(row) in first}


def _near(
    rows: Sequence[int], others: Sequence[int], *, likeness: Likeness | None, known: Pairs
) -> tuple[Pairs, str]:
    """The rows with a near-duplicate, less those `known` to have a copy, and what that was judged by."""
    if likeness is None:
        return {}, ""
    from datasets.likeness import nearest

    asked = [row for row in rows if row not in known]
    places, ratios = nearest(likeness, asked, others=others)
    pairs = {row: int(place) for row, place, ratio in zip(asked, places, ratios, strict=True) if ratio < 1}
    return pairs, f", at less than half of what {likeness.basis} keep apart"
