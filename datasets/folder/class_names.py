"""Class names of a user's own images that may be two spellings of one class, as anomalies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from datasets.folder.rows import Faults, Row
from datasets.label_conflicts import similar_names


def report_class_names(rows: Sequence[Row], faults: Faults) -> None:
    """Add an anomaly for class names that differ only in case or spaces, and for each that was merged.

    Names that are equal without the white space around them are read as one class.
    """
    counts = Counter(row.label for row in rows)
    for names in similar_names(counts):
        what = f"the names differ only in case or spaces: {_counted(names, counts)}"
        action = "read as different classes; if they are one class, give them one name"
        faults.add("similar class names", ", ".join(names), what=what, action=action)
    written: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        written[row.label][row.written_label] += 1
    for label, spellings in written.items():
        if len(spellings) > 1:
            what = f"the name is written in {len(spellings)} ways: {_counted(sorted(spellings), spellings)}"
            action = "read as one class; if they are different classes, rename one"
            faults.add("merged class names", label, what=what, action=action)


def _counted(names: Sequence[str], counts: Counter[str]) -> str:
    return ", ".join(f"{name!r} ({counts[name]} image{'s' if counts[name] > 1 else ''})" for name in names)
