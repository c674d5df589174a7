"""The scores of a table of predictions, over all clips and by set, and the difference of two tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from datasets.megc2019.clip_names import ClipKey
from datasets.megc2019.constants import COMPOSITE, SETS, SetCounts, format_set_title
from datasets.megc2019.truth_list import TrueClip
from studies.errors import StudyError
from studies.metrics import Scores, compute_confusion_matrix, compute_scores
from studies.prediction_files.table import ClipPrediction, PredictionTable
from studies.scoring.claims import FULL, ClaimedValue, ClaimedValueCheck, check_claim
from studies.scoring.intervals import estimate_difference, estimate_interval
from studies.scoring.metric_values import (
    MAIN_METRICS,
    compute_metric_values,
    group_by_set,
    group_by_subject,
)
from studies.scoring.truth_comparison import TruthComparison, compare_with_truth
from studies.statistics.verdicts import Estimate

TRUTH_LIST_SCOPE = "truth list"
"""Scope of the clips of a truth list, with the labels of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeScores:
    """The scores of the clips of one scope: all clips, a set, or the clips of a truth list with its labels.

    Attributes:
        scope: `FULL`, the name of a set, or `TRUTH_LIST_SCOPE`.
        title: Name of the scope for readers.
        num_subjects: Number of subjects; 0 if a subject is unknown.
        confusion_matrix: Counts [true class][predicted class].
        scores: The scores.
        values: Every metric by name.
        estimates: Estimate of each of `MAIN_METRICS`; None without known subjects.
        official: Official counts of the scope; None if they do not apply.
    """

    scope: str
    title: str
    num_subjects: int
    confusion_matrix: tuple[tuple[int, ...], ...]
    scores: Scores
    values: Mapping[str, float]
    estimates: Mapping[str, Estimate | None]
    official: SetCounts | None

    @property
    def has_official_counts(self) -> bool:
        """Whether the numbers of subjects and clips are the official ones."""
        return self.official is not None and (self.num_subjects, self.clips_per_class) == (
            self.official.num_subjects,
            self.official.clips_per_class,
        )

    @property
    def clips_per_class(self) -> tuple[int, ...]:
        """Number of clips whose true class is each class."""
        return tuple(map(sum, self.confusion_matrix))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTable:
    """A table of predictions with its scores, its comparison with a truth list, and its claims."""

    table: PredictionTable
    scopes: tuple[ScopeScores, ...]
    truth_comparison: TruthComparison | None
    claims: tuple[ClaimedValueCheck, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The scores of the second table minus those of the first, over the clips that both have.

    Attributes:
        names: Names of the two tables.
        unit: "clips" or "frames".
        num_clips: Clips in both tables with the same label.
        num_relabeled: Clips in both tables with different labels. They are left out.
        num_unpaired: Clips that only the first table has, and that only the second has.
        wins: Clips that only the second table classifies correctly.
        losses: Clips that only the first table classifies correctly.
        estimates: Estimate of each of `MAIN_METRICS`; None without known subjects.
        has_clip_names: False if the clips are paired by their position within their subject.
    """

    names: tuple[str, str]
    unit: str
    num_clips: int
    num_relabeled: int
    num_unpaired: tuple[int, int]
    wins: int
    losses: int
    estimates: Mapping[str, Estimate | None]
    has_clip_names: bool


def score_table(
    table: PredictionTable,
    *,
    truth_list: Mapping[ClipKey, TrueClip] | None = None,
    claims: Sequence[ClaimedValue] = (),
) -> ScoredTable:
    """Score a table; compare it with a truth list and with claimed values, if there are any.

    Raises:
        ValueError: A claim is about a set that the table does not have.
    """
    comparison = compare_with_truth(table, truth_list) if truth_list is not None else None
    scopes = tuple(_score_scopes(table, comparison))
    values_by_scope = {scope.scope: scope.values for scope in scopes if scope.scope != TRUTH_LIST_SCOPE}
    if len(values_by_scope) == 1:
        # A claim may name the only set, whose values are those of all clips.
        values_by_scope |= {table.predictions[0].dataset: values_by_scope[FULL]}
    return ScoredTable(
        table=table,
        scopes=scopes,
        truth_comparison=comparison,
        claims=tuple(check_claim(claim, values_by_scope) for claim in claims),
    )


def _score_scopes(table: PredictionTable, comparison: TruthComparison | None) -> Iterator[ScopeScores]:
    groups = group_by_set(table.predictions)
    only_set = next(iter(groups)) if len(groups) == 1 else ""
    is_challenge = table.is_challenge
    yield _score_scope(
        table.predictions,
        table,
        scope=FULL,
        title=format_set_title(only_set) if only_set else COMPOSITE.title,
        official=(SETS[only_set] if only_set else COMPOSITE) if is_challenge else None,
    )
    if not only_set and len(groups) > 1:
        for name in sorted(groups, key=[*SETS, *groups].index):
            yield _score_scope(
                groups[name],
                table,
                scope=name,
                title=format_set_title(name) or "no set",
                official=SETS[name] if is_challenge else None,
            )
    if comparison and comparison.relabeled_predictions and not comparison.is_equal:
        yield _score_scope(
            comparison.relabeled_predictions,
            table,
            scope=TRUTH_LIST_SCOPE,
            title="Clips and labels of --truth",
            official=None,
        )


def _score_scope(
    predictions: Sequence[ClipPrediction],
    table: PredictionTable,
    *,
    scope: str,
    title: str,
    official: SetCounts | None,
) -> ScopeScores:
    num_classes = 1 + max(len(table.classes) - 1, *(p.truth for p in predictions))
    scores = compute_scores(predictions, num_classes)
    return ScopeScores(
        scope=scope,
        title=title,
        num_subjects=len(group_by_subject(predictions)),
        confusion_matrix=compute_confusion_matrix(predictions, num_classes),
        scores=scores,
        values=compute_metric_values(predictions, num_classes, scores=scores),
        estimates={
            metric: estimate_interval(predictions, metric, num_classes=num_classes) for metric in MAIN_METRICS
        },
        official=official,
    )


def compare_tables(first: PredictionTable, second: PredictionTable) -> PairedDifference:
    """Compare two tables over the clips that both have with the same label.

    Raises:
        StudyError: There is no such clip.
    """
    first_by_key, second_by_key = ({p.key: p for p in table.predictions} for table in (first, second))
    shared_keys = [key for key in first_by_key if key in second_by_key]
    keys = [key for key in shared_keys if first_by_key[key].truth == second_by_key[key].truth]
    if not keys:
        raise StudyError(
            "paired-score.no-common-clip",
            f"a paired difference needs clips with the same label in both; {first.name} and {second.name} "
            f"share {len(shared_keys)} clips and no label: compare files with the same names and labels",
        )
    pair = [first_by_key[key] for key in keys], [second_by_key[key] for key in keys]
    correct = [[p.truth == p.predicted_class for p in predictions] for predictions in pair]
    num_classes = max(len(first.classes), len(second.classes))
    return PairedDifference(
        names=(first.name, second.name),
        unit=first.unit,
        num_clips=len(keys),
        num_relabeled=len(shared_keys) - len(keys),
        num_unpaired=(len(first_by_key) - len(shared_keys), len(second_by_key) - len(shared_keys)),
        wins=sum(after and not before for before, after in zip(*correct, strict=True)),
        losses=sum(before and not after for before, after in zip(*correct, strict=True)),
        estimates={
            metric: estimate_difference(*pair, metric, num_classes=num_classes) for metric in MAIN_METRICS
        },
        has_clip_names=first.has_clip_names and second.has_clip_names,
    )
