"""The leak audit of every split that a study of some data would make, before there is a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from datasets.audit import Finding, audit_split, compute_leakage
from datasets.likeness import build_similarity_index
from datasets.spec import MOTION_REPRESENTATIONS, Anomaly, Leakage, Split
from datasets.splits import DEFAULT_FOLDS, count_folds, split_table
from harness.data.anomalies import find_new_anomalies, format_anomaly
from harness.data.preparing import load_with_progress
from harness.data.reading import DataRequest, build_dataset_spec, check_count, check_protocols, load_table
from studies.codec import to_data


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakAudit:
    """A data set's splits, each with the shares that `leakage` gives and the findings of the audit.

    `notes` say how they came about; `faults` are those that opening the images showed.
    """

    dataset: str
    splits: tuple[tuple[Split, Leakage, tuple[Finding, ...]], ...]
    notes: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]

    @property
    def has_errors(self) -> bool:
        """Whether any split leaks what is an error."""
        return any(finding.severity == "error" for *_, findings in self.splits for finding in findings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
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
        """As a person reads it."""
        return "\n".join(self._render_lines())

    def _render_lines(self) -> Iterator[str]:
        yield from (f"note: {note}" for note in self.notes)
        for s, shares, findings in self.splits:
            sizes = f"{len(s.train)}/{len(s.validation)}/{len(s.test)} train/validation/test"
            unknown_shares = [name for name, share in asdict(shares).items() if share is None]
            clean_note = "" if findings or unknown_shares else ": clean"
            yield f"{s.protocol}, division {s.seed}, fold {s.fold}: {sizes}{clean_note}"
            for name in unknown_shares:
                yield f"  unknown: shared-{name}: not every training and test sample names its {name}"
            for finding in findings:
                yield f"  {finding.severity}: {finding.code}: {finding.message}"
                yield f"    such as {'; '.join(finding.examples)}"
        yield from map(format_anomaly, self.anomalies)


def audit_splits(
    request: DataRequest, *, protocols: tuple[str, ...], folds: int | None, splits: int, image_size: int
) -> LeakAudit:
    """Audit every split of the protocols over `splits` divisions; images are compared at `image_size` pixels.

    Raises:
        ValueError: the request or the data are not usable, or cannot be split so.
    """
    check_count("--splits", splits)
    check_protocols(protocols, folds=folds)
    spec, table = load_table(request, build_dataset_spec(request, protocols=protocols, image_size=image_size))
    for protocol in protocols:
        count_folds(table, protocol, folds=folds or 0)
    pixels = load_with_progress(spec, table)
    anomalies = find_new_anomalies(pixels, table)
    table = pixels.table
    counts = {protocol: count_folds(table, protocol, folds=folds or 0) for protocol in protocols}
    # Likeness is judged on faces; a picture of motion is none.
    similarity = (
        build_similarity_index(pixels.images, table)
        if spec.representation not in MOTION_REPRESENTATIONS
        else None
    )
    divisions = (
        split_table(table, protocol, seed=seed, fold=fold, folds=count)
        for protocol, count in counts.items()
        for seed in range(splits)
        for fold in range(count)
    )
    return LeakAudit(
        dataset=table.dataset,
        splits=tuple(
            (
                s,
                compute_leakage(table, s),
                audit_split(table, s, digests=pixels.digests, similarity=similarity),
            )
            for s in divisions
        ),
        notes=explain_fold_count(counts, requested_folds=folds),
        anomalies=anomalies,
    )


def explain_fold_count(counts: Mapping[str, int], *, requested_folds: int | None) -> tuple[str, ...]:
    """A note where kfold (`counts` are the folds of each protocol) has not even its usual number."""
    folds = counts.get("kfold", DEFAULT_FOLDS)
    if requested_folds or folds >= DEFAULT_FOLDS:
        return ()
    return (f"kfold has {folds} folds, one for each subject: there are fewer than the usual {DEFAULT_FOLDS}",)
