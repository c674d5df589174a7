"""Summarize a split: samples per class and part, leakage, and the findings of the audit."""

from __future__ import annotations

from collections import Counter

from datasets.leakage.audit import audit_split, compute_leakage
from datasets.leakage.similarity import SimilarityIndex
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import SampleTable, Split
from studies.results import DataSummary


def summarize_split(
    pixels: ImageArray, split: Split, *, similarity_index: SimilarityIndex | None
) -> DataSummary:
    """Summarize a split: samples per class and part, leakage, and the findings of the audit."""
    table = pixels.table

    def count_labels(rows: tuple[int, ...]) -> tuple[int, ...]:
        labels = [table.samples[row].label for row in rows]
        return tuple(labels.count(class_index) for class_index in range(len(table.classes)))

    return DataSummary(
        classes=table.classes,
        train=count_labels(split.train),
        validation=count_labels(split.validation),
        test=count_labels(split.test),
        leakage=compute_leakage(table, split),
        warnings=split.warnings,
        notes=table.notes,
        anomalies=table.anomalies,
        findings=audit_split(table, split, digests=pixels.digests, similarity=similarity_index),
        synthetic=table.synthetic,
        subject_clips=_count_subject_clips(table),
    )


def _count_subject_clips(table: SampleTable) -> tuple[int, ...]:
    """Return the number of clips of each subject, sorted; () if any sample has no subject."""
    subject_of = {sample.clip or sample.id: sample.subject for sample in table.samples}
    return () if "" in subject_of.values() else tuple(sorted(Counter(subject_of.values()).values()))
