"""Leakage of a split: test samples whose clip, subject, image or near-duplicate is in training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from datasets.leakage.label_conflicts import find_conflicting_pairs, find_similar_names
from datasets.spec import Leakage, SampleTable, Split

if TYPE_CHECKING:
    from datasets.leakage.similarity import SimilarityIndex

MAX_EXAMPLES = 3
SAME_BYTES = "same-bytes"
TWO_LABELS = "one-image-two-labels"
NEAR_DUPLICATE = "near-duplicate"
CONFLICTING_LABELS = "conflicting-labels"
SIMILAR_CLASSES = "similar-class-names"
VALIDATION_SHARED = "validation-shared"
NON_TEST_CODES = frozenset({CONFLICTING_LABELS, SIMILAR_CLASSES, VALIDATION_SHARED})
"""Codes of findings that do not count test samples alone."""

_GUARANTEED_DISJOINT = {
    "clip": frozenset({"clip"}),
    "subject": frozenset({"clip", "subject"}),
    "kfold": frozenset({"clip", "subject"}),
    "loso": frozenset({"clip", "subject"}),
    "lodo": frozenset({"clip", "subject"}),
}

Severity = Literal["error", "warning"]
Pairs = dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of leakage in a split.

    Attributes:
        count: Number of affected samples: of the test part, except that "validation-shared" counts validation
            samples, and "conflicting-labels" and "similar-class-names" count samples of all parts.
        share: `count` as a fraction (0 to 1) of the samples of these parts.
        examples: Affected samples, by default at most `MAX_EXAMPLES`, as "id ~ id of the other sample".
    """

    code: str
    severity: Severity
    share: float
    count: int
    examples: tuple[str, ...]
    message: str


def guaranteed_disjoint(protocol: str) -> frozenset[str]:
    """Return which of "clip" and "subject" a protocol keeps disjoint; none for an unknown protocol."""
    return _GUARANTEED_DISJOINT.get(protocol, frozenset())


def get_excluded_codes(protocol: str) -> frozenset[str]:
    """Return the codes of the errors that a protocol excludes; none for `frame` or an unknown protocol.

    A protocol that keeps clips or subjects disjoint also excludes copies of an image, because a copy brings
    its clip and subject into the other part. `frame` puts frames of one clip into all parts, so it allows
    copies.
    """
    disjoint_keys = guaranteed_disjoint(protocol)
    shared_codes = {f"shared-{name}" for name in disjoint_keys}
    return frozenset(shared_codes | {SAME_BYTES, TWO_LABELS}) if disjoint_keys else frozenset()


def compute_leakage(table: SampleTable, split: Split) -> Leakage:
    """Compute the fractions of the test samples whose clip, and whose subject, are also in training.

    A fraction is None unless every test and training sample names its clip or subject.
    """
    assert split.test, "a split always leaves a test sample"
    return Leakage(
        clip=_compute_share(table, split, key="clip"), subject=_compute_share(table, split, key="subject")
    )


def _compute_share(table: SampleTable, split: Split, *, key: str) -> float | None:
    if not all(getattr(table.samples[row], key) for row in (*split.train, *split.test)):
        return None
    return len(_find_shared(table, split.test, others=split.train, key=key)) / len(split.test)


def audit_split(
    table: SampleTable,
    split: Split,
    *,
    digests: Sequence[str],
    similarity: SimilarityIndex | None,
    max_examples: int | None = MAX_EXAMPLES,
) -> tuple[Finding, ...]:
    """Find all leakage from training and validation into the test; return () if there is none.

    The codes, in this order:

    - shared-clip, an error: the clip of a test sample is in training or validation.
    - shared-subject: the subject of a test sample is in training or validation. An error if the protocol
      keeps subjects disjoint, else a warning.
    - same-bytes, an error: the image of a test sample is in training or validation under another name.
    - one-image-two-labels, an error: such an image has another label there.
    - near-duplicate, a warning: a test image looks almost like an image of another clip in training or
      validation, and their bytes differ.
    - conflicting-labels, a warning: an image has two labels in the test, or two in training and validation.
    - similar-class-names, a warning: the names of two classes differ only in case or spaces.
    - validation-shared, a warning: training and validation share a clip or subject that the protocol keeps
      disjoint.

    Args:
        table: The sample table.
        split: A split of the table.
        digests: Digest of the image bytes of each row of the table, "" if unknown; () if none is known.
        similarity: Index of the table's images; None to skip the search for near-duplicates.
        max_examples: Number of examples of each finding; None lists every affected sample.
    """
    assert split.test, "a split always leaves a test sample"
    assert not digests or len(digests) == len(table.samples), (len(digests), len(table.samples))
    train_val_rows = sorted({*split.train, *split.validation})
    disjoint_keys = guaranteed_disjoint(split.protocol)
    violation_note = f", which the protocol {split.protocol} excludes"
    shared_clips = _find_shared(table, split.test, others=train_val_rows, key="clip")
    shared_subjects = _find_shared(table, split.test, others=train_val_rows, key="subject")
    copies = _find_matches(split.test, train_val_rows, get_key=lambda row: digests[row] if digests else "")
    label_conflicts = find_conflicting_pairs(table, split.test, others=train_val_rows, digests=digests)
    near_duplicates, basis = _find_near_duplicates(
        split.test, train_val_rows, similarity=similarity, exclude=copies
    )
    validation_overlap = {
        row: other
        for key in sorted(disjoint_keys, reverse=True)
        for row, other in _find_shared(table, split.validation, others=split.train, key=key).items()
    }
    severity: Severity = "error" if "subject" in disjoint_keys else "warning"
    parts_text = "in training or validation"
    clip_text = f"have their clip {parts_text}{violation_note if 'clip' in disjoint_keys else ''}"
    subject_text = f"have their subject {parts_text}{violation_note if 'subject' in disjoint_keys else ''}"
    checks: tuple[tuple[str, Severity, Pairs, str], ...] = (
        ("shared-clip", "error", shared_clips, clip_text),
        ("shared-subject", severity, shared_subjects, subject_text),
        (SAME_BYTES, "error", copies, f"are byte for byte an image {parts_text}"),
        (
            TWO_LABELS,
            "error",
            label_conflicts,
            f"are byte for byte an image {parts_text} that has another label",
        ),
        (NEAR_DUPLICATE, "warning", near_duplicates, f"look almost like an image {parts_text}{basis}"),
    )
    findings = [
        _make_finding(table, *check, part="test", total=len(split.test)) for check in checks if check[2]
    ]
    findings += _find_label_conflicts(
        table, (split.test, train_val_rows), digests=digests, exclude=label_conflicts
    )
    if validation_overlap:
        description = f"have their {' or '.join(sorted(disjoint_keys))} in training{violation_note}"
        total = len(split.validation)
        findings.append(
            _make_finding(
                table,
                VALIDATION_SHARED,
                "warning",
                validation_overlap,
                description,
                part="validation",
                total=total,
            )
        )
    return tuple(replace(finding, examples=finding.examples[:max_examples]) for finding in findings)


def _find_label_conflicts(
    table: SampleTable, parts: Sequence[Sequence[int]], *, digests: Sequence[str], exclude: Pairs
) -> Iterator[Finding]:
    """Yield the warnings about labels within the parts of a split, without the rows in `exclude`."""
    total = sum(map(len, parts))
    conflicts = {
        row: other
        for part in parts
        for row, other in find_conflicting_pairs(table, part, others=part, digests=digests).items()
        if row not in exclude
    }
    if conflicts:
        description = "are byte for byte an image with another label on the same side of the split"
        yield _make_finding(
            table, CONFLICTING_LABELS, "warning", conflicts, description, part="", total=total
        )
    rows = sorted(row for part in parts for row in part)
    first_rows = {table.samples[row].label: row for row in reversed(rows)}
    for names in find_similar_names(table.classes):
        labels = {table.classes.index(name) for name in names} & set(first_rows)
        pairs = {
            row: min(first_rows[other] for other in labels - {table.samples[row].label})
            for row in rows
            if len(labels) > 1 and table.samples[row].label in labels
        }
        if pairs:
            description = (
                f"are of the classes {' and '.join(map(repr, names))}, which differ only in case or spaces"
            )
            yield _make_finding(table, SIMILAR_CLASSES, "warning", pairs, description, part="", total=total)


def _make_finding(
    table: SampleTable,
    code: str,
    severity: Severity,
    pairs: Pairs,
    description: str,
    *,
    part: str,
    total: int,
) -> Finding:
    count = len(pairs)
    sample_ids = [sample.id for sample in table.samples]
    samples = f"{part} samples".strip()
    return Finding(
        code=code,
        severity=severity,
        share=count / total,
        count=count,
        examples=tuple(f"{sample_ids[row]} ~ {sample_ids[other]}" for row, other in pairs.items()),
        message=f"{count} of {total} {samples} ({count / total:.1%}) {description}",
    )


def _find_shared(table: SampleTable, rows: Sequence[int], *, others: Sequence[int], key: str) -> Pairs:
    return _find_matches(rows, others, get_key=lambda row: str(getattr(table.samples[row], key)))


def _find_matches(rows: Iterable[int], others: Iterable[int], *, get_key: Callable[[int], str]) -> Pairs:
    """Map each row whose key also occurs in `others` to the first such row; the key "" matches nothing."""
    first_rows: dict[str, int] = {}
    for other in others:
        first_rows.setdefault(get_key(other), other)
    return {row: first_rows[get_key(row)] for row in rows if get_key(row) and get_key(row) in first_rows}


def _find_near_duplicates(
    rows: Sequence[int], others: Sequence[int], *, similarity: SimilarityIndex | None, exclude: Pairs
) -> tuple[Pairs, str]:
    """Map each row outside `exclude` to its near-duplicate, if any; also describe the threshold."""
    if similarity is None:
        return {}, ""
    from datasets.leakage.similarity import find_nearest

    query_rows = [row for row in rows if row not in exclude]
    nearest_rows, ratios = find_nearest(similarity, query_rows, others=others)
    pairs = {
        row: int(nearest_row)
        for row, nearest_row, ratio in zip(query_rows, nearest_rows, ratios, strict=True)
        if ratio < 1
    }
    return pairs, f", at less than half the distance that {similarity.basis} keep apart"
