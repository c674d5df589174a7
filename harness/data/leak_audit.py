"""Audit the splits that a study of a data set would make, without running the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from datasets.anomalies import find_new_anomalies, format_anomaly
from datasets.leakage.audit import MAX_EXAMPLES, Finding, audit_split, compute_leakage
from datasets.leakage.similarity import build_similarity_index
from datasets.spec import MOTION_REPRESENTATIONS, Anomaly, Leakage, Split
from datasets.splits import DEFAULT_FOLDS, count_folds, split_table
from harness.data.loading import DataRequest, build_dataset_spec, check_count, check_protocols, load_table
from harness.data.preparation import load_with_progress
from studies.codec import to_data


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakAudit:
    """Splits of a data set, each with the leakage of `compute_leakage` and the findings of the audit.

    `notes` explain how the splits were made. `anomalies` are those found when the images were opened.
    """

    dataset: str
    splits: tuple[tuple[Split, Leakage, tuple[Finding, ...]], ...]
    notes: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]

    @property
    def has_errors(self) -> bool:
        """True if a finding of any split is an error."""
        return any(finding.severity == "error" for *_, findings in self.splits for finding in findings)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        return {
            "dataset": self.dataset,
            "failed": self.has_errors,
            "notes": list(self.notes),
            "faults": [to_data(anomaly) for anomaly in self.anomalies],
            "splits": [
                {
                    "protocol": s.protocol,
                    "split_seed": s.seed,
                    "fold": s.fold,
                    "train": len(s.train),
                    "validation": len(s.validation),
                    "test": len(s.test),
                    "leakage": asdict(shares),
                    "findings": [to_data(finding) for finding in findings],
                }
                for s, shares, findings in self.splits
            ],
        }

    def render_text(self) -> str:
        """Return the audit as text."""
        return "\n".join(self._render_lines())

    def _render_lines(self) -> Iterator[str]:
        yield from (f"note: {note}" for note in self.notes)
        for s, shares, findings in self.splits:
            sizes = f"{len(s.train)}/{len(s.validation)}/{len(s.test)} train/validation/test"
            unknown_shares = [name for name, share in asdict(shares).items() if share is None]
            clean_note = "" if findings or unknown_shares else ": clean"
            yield f"{s.protocol}, split {s.seed}, fold {s.fold}: {sizes}{clean_note}"
            for name in unknown_shares:
                yield f"  unknown: shared-{name}: some training or test samples have no {name} label"
            for finding in findings:
                yield f"  {finding.severity}: {finding.code}: {finding.message}"
                more = finding.count - len(finding.examples)
                more_note = f"; and {more} more, which --all-examples lists" if more else ""
                yield f"    examples: {'; '.join(finding.examples)}{more_note}"
        yield from (f"anomaly: {format_anomaly(anomaly)}" for anomaly in self.anomalies)


def audit_splits(
    request: DataRequest,
    *,
    protocols: tuple[str, ...],
    folds: int | None,
    num_splits: int,
    image_size: int,
    all_examples: bool = False,
) -> LeakAudit:
    """Audit the splits of all protocols for split seeds 0 to `num_splits` - 1.

    Images are compared at `image_size` pixels. `all_examples` lists every sample of a finding, not only the
    first ones.

    Raises:
        ValueError: The request or the data are invalid, or a protocol cannot split the data.
    """
    check_count("--splits", num_splits)
    check_protocols(protocols, folds=folds)
    spec, table = load_table(request, build_dataset_spec(request, protocols=protocols, image_size=image_size))
    for protocol in protocols:
        count_folds(table, protocol, folds=folds or 0)
    pixels = load_with_progress(spec, table)
    anomalies = find_new_anomalies(pixels.table, table)
    table = pixels.table
    counts = {protocol: count_folds(table, protocol, folds=folds or 0) for protocol in protocols}
    # The similarity index compares faces; a motion representation does not show one.
    similarity = (
        build_similarity_index(pixels.images, table)
        if spec.representation not in MOTION_REPRESENTATIONS
        else None
    )
    all_splits = (
        split_table(table, protocol, seed=seed, fold=fold, folds=count)
        for protocol, count in counts.items()
        for seed in range(num_splits)
        for fold in range(count)
    )
    return LeakAudit(
        dataset=table.dataset,
        splits=tuple(
            (
                s,
                compute_leakage(table, s),
                audit_split(
                    table,
                    s,
                    digests=pixels.digests,
                    similarity=similarity,
                    max_examples=None if all_examples else MAX_EXAMPLES,
                ),
            )
            for s in all_splits
        ),
        notes=explain_fold_count(counts, requested_folds=folds),
        anomalies=anomalies,
    )


def explain_fold_count(counts: Mapping[str, int], *, requested_folds: int | None) -> tuple[str, ...]:
    """Return a note if kfold has fewer folds than its default; `counts` maps protocols to fold counts."""
    folds = counts.get("kfold", DEFAULT_FOLDS)
    if requested_folds or folds >= DEFAULT_FOLDS:
        return ()
    return (f"kfold has {folds} folds, one per subject: the data have fewer than {DEFAULT_FOLDS} subjects",)
