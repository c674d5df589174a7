"""Report class names in a user's own images that may be two spellings of one class."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from datasets.folder.image_rows import AnomalyLog, ImageRow
from datasets.leakage.label_conflicts import find_similar_names
from datasets.text import pluralize


def report_class_names(rows: Sequence[ImageRow], anomaly_log: AnomalyLog) -> None:
    """Log anomalies for class names that differ only in case or spaces, and for merged spellings.

    Names that differ only in surrounding white space are merged into one class.
    """
    counts = Counter(row.label for row in rows)
    for names in find_similar_names(counts):
        description = f"the names differ only in case or spaces: {_format_counts(names, counts)}"
        action = "read as different classes; if they are one class, give them one name"
        anomaly_log.add("similar class names", ", ".join(names), description=description, action=action)
    spellings_by_label: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        spellings_by_label[row.label][row.raw_label] += 1
    for label, spellings in spellings_by_label.items():
        if len(spellings) > 1:
            counts_text = _format_counts(sorted(spellings), spellings)
            description = f"the name is written in {len(spellings)} ways: {counts_text}"
            action = "read as one class; if they are different classes, rename one"
            anomaly_log.add("merged class names", label, description=description, action=action)


def _format_counts(names: Sequence[str], counts: Counter[str]) -> str:
    return ", ".join(f"{name!r} ({pluralize(counts[name], 'image')})" for name in names)
