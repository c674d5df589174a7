"""The leak audit of every split that a study of some data would make, before there is a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from datasets.audit import Finding, audit, leakage
from datasets.likeness import likeness
from datasets.spec import MOTION, Anomaly, Leakage, Split
from datasets.splits import FOLDS, folds_of, split
from harness.data.anomalies import in_words, on_opening
from harness.data.preparing import decoded_with_bars
from harness.data.reading import DataRequest, asked, check_count, check_protocols, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A data set's splits, each with the shares that `leakage` gives and the findings of the audit.

    `notes` say how they came about; `faults` are those that opening the images showed.
    """

    dataset: str
    splits: tuple[tuple[Split, Leakage, tuple[Finding, ...]], ...]
    notes: tuple[str, ...]
    faults: tuple[Anomaly, ...]

    @property
    def failed(self) -> bool:
        """Whether any split leaks what is an error."""
        return any(finding.severity == "error" for *_, findings in self.splits for finding in findings)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "dataset": self.dataset,
            "failed": self.failed,
            "notes": list(self.notes),
            "faults": [asdict(fault) for fault in self.faults],
            "splits": [
                {
                    "protocol": s.protocol,
                    "split_seed": s.seed,
                    "fold": s.fold,
                    "train": len(s.train),
                    "validation": len(s.validation),
                    "test": len(s.test),
                    "leakage": asdict(shares),
                    "findings": [asdict(finding) for finding in findings],
                }
                for s, shares, findings in self.splits
            ],
        }

    def in_words(self) -> str:
        """As a person reads it."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from (f"note: {note}" for note in self.notes)
        for s, shares, findings in self.splits:
            sizes = f"{len(s.train)}/{len(s.validation)}/{len(s.test)} train/validation/test"
            unknown = [name for name, share in asdict(shares).items() if share is None]
            clean = "" if findings or unknown else ": clean"
            yield f"{s.protocol}, division {s.seed}, fold {s.fold}: {sizes}{clean}"
            for name in unknown:
                yield f"  unknown: shared-{name}: not every training and test sample names its {name}"
            for finding in findings:
                yield f"  {finding.severity}: {finding.code}: {finding.text}"
                yield f"    such as {'; '.join(finding.examples)}"
        yield from map(in_words, self.faults)


def audited(
    request: DataRequest, *, protocols: tuple[str, ...], folds: int | None, splits: int, image_size: int
) -> Audited:
    """Audit every split of the protocols over `splits` divisions; images are compared at `image_size` pixels.

    Raises:
        ValueError: the request or the data are not usable, or cannot be split so.
    """
    check_count("--splits", splits)
    check_protocols(protocols, folds=folds)
    spec, table = read(request, asked(request, protocols=protocols, image_size=image_size))
    for protocol in protocols:
        folds_of(table, protocol, folds=folds or 0)
    pixels = decoded_with_bars(spec, table)
    faults = on_opening(pixels, table)
    table = pixels.table
    counts = {protocol: folds_of(table, protocol, folds=folds or 0) for protocol in protocols}
    # Likeness is judged on faces; a picture of motion is none.
    alike = likeness(pixels.images, table) if spec.representation not in MOTION else None
    divisions = (
        split(table, protocol, seed=seed, fold=fold, folds=count)
        for protocol, count in counts.items()
        for seed in range(splits)
        for fold in range(count)
    )
    return Audited(
        dataset=table.dataset,
        splits=tuple(
            (s, leakage(table, s), audit(table, s, digests=pixels.digests, likeness=alike)) for s in divisions
        ),
        notes=fewer_folds(counts, asked_for=folds),
        faults=faults,
    )


def fewer_folds(counts: Mapping[str, int], *, asked_for: int | None) -> tuple[str, ...]:
    """A note where kfold (`counts` are the folds of each protocol) has not even its usual number."""
    folds = counts.get("kfold", FOLDS)
    if asked_for or folds >= FOLDS:
        return ()
    return (f"kfold has {folds} folds, one for each subject: there are fewer than the usual {FOLDS}",)
