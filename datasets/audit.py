"""How much of a test set a network has met while it learned: the same clip, person, bytes, or nearly so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from datasets.label_conflicts import conflicting_pairs, similar_names
from datasets.spec import Leakage, SampleTable, Split

if TYPE_CHECKING:
    from datasets.likeness import Likeness

EXAMPLES = 3
SAME_BYTES = "same-bytes"
TWO_LABELS = "one-image-two-labels"
NEAR_DUPLICATE = "near-duplicate"
CONFLICTING_LABELS = "conflicting-labels"
SIMILAR_CLASSES = "similar-class-names"
VALIDATION_SHARED = "validation-shared"
NOT_OF_TEST = frozenset({CONFLICTING_LABELS, SIMILAR_CLASSES, VALIDATION_SHARED})
"""Codes of findings whose samples are not those of the test alone."""

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
    `code` is "validation-shared", of all samples of the split for "conflicting-labels" and
    "similar-class-names". `examples` name at most `EXAMPLES` of them as "id ~ the other's id".
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


def excluded_codes(protocol: str) -> frozenset[str]:
    """Codes of the errors that a protocol promises to exclude; none for `frame` or an unknown protocol.

    A protocol that keeps clips or subjects apart also excludes copies of an image: a copy carries its clip
    and its subject into the other part. `frame` puts frames of a clip into all parts, so it allows copies.
    """
    kept = promises(protocol)
    shared = {f"shared-{name}" for name in kept}
    return frozenset(shared | {SAME_BYTES, TWO_LABELS}) if kept else frozenset()


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
    - one-image-two-labels, an error: such an image has another label there.
    - near-duplicate, a warning: it looks almost like an image there, of another clip and other bytes.
    - conflicting-labels, a warning: an image has two labels in the test, or two in training and validation.
    - similar-class-names, a warning: the names of two classes differ only in case or spaces.
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
    relabelled = conflicting_pairs(table, split.test, others=rest, digests=digests)
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
        (TWO_LABELS, "error", relabelled, f"are byte for byte an image {there} that has another label"),
        (NEAR_DUPLICATE, "warning", near, f"look almost like an image {there}{basis}"),
    )
    found = [_finding(table, *kind, part="test", total=len(split.test)) for kind in kinds if kind[2]]
    found += _label_findings(table, (split.test, rest), digests=digests, known=relabelled)
    if validated:
        what = f"have their {' or '.join(sorted(kept))} in training{broken}"
        total = len(split.validation)
        found.append(
            _finding(table, VALIDATION_SHARED, "warning", validated, what, part="validation", total=total)
        )
    return tuple(found)


def _label_findings(
    table: SampleTable, parts: Sequence[Sequence[int]], *, digests: Sequence[str], known: Pairs
) -> Iterator[Finding]:
    """The warnings about labels in the parts of a split, less the rows `known` to have another label."""
    total = sum(map(len, parts))
    within = {
        row: other
        for part in parts
        for row, other in conflicting_pairs(table, part, others=part, digests=digests).items()
        if row not in known
    }
    if within:
        what = "are byte for byte an image with another label on the same side of the split"
        yield _finding(table, CONFLICTING_LABELS, "warning", within, what, part="", total=total)
    rows = sorted(row for part in parts for row in part)
    first = {table.samples[row].label: row for row in reversed(rows)}
    for names in similar_names(table.classes):
        labels = {table.classes.index(name) for name in names} & set(first)
        pairs = {
            row: min(first[other] for other in labels - {table.samples[row].label})
            for row in rows
            if len(labels) > 1 and table.samples[row].label in labels
        }
        if pairs:
            what = f"are of the classes {' and '.join(map(repr, names))}, which differ only in case or spaces"
            yield _finding(table, SIMILAR_CLASSES, "warning", pairs, what, part="", total=total)


def _finding(
    table: SampleTable, code: str, severity: Severity, pairs: Pairs, what: str, *, part: str, total: int
) -> Finding:
    count = len(pairs)
    name = [sample.id for sample in table.samples]
    samples = f"{part} samples".strip()
    return Finding(
        code=code,
        severity=severity,
        share=count / total,
        count=count,
        examples=tuple(f"{name[row]} ~ {name[other]}" for row, other in islice(pairs.items(), EXAMPLES)),
        text=f"{count} of {total} {samples} ({count / total:.1%}) {what}",
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
