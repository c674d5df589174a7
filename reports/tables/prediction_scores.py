"""Tables on predictions from any source: clips by set and class, scores, and a paired difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datasets.megc2019.constants import COMPOSITE
from reports.formatting import NO_VALUE, count_cell, format_interval, format_points, text_cell
from reports.table import Cell, Table
from studies.published.scores import list_comparable_scores
from studies.scoring.claims import FULL
from studies.scoring.metric_values import MAIN_METRICS
from studies.scoring.scored_table import TRUTH_LIST_SCOPE, PairedDifference, ScopeScores, ScoredTable
from studies.statistics.verdicts import MIN_CLUSTERS, Estimate

SCORE_HEADERS = {
    "UF1": "UF1",
    "UAR": "UAR = macro recall",
    "accuracy": "Accuracy",
    "macro precision": "Macro precision",
}


def build_clip_table(scored: ScoredTable) -> Table:
    """Return the numbers of subjects and clips by set and class, with the official ones that differ."""
    class_names = scored.table.classes
    scopes = [scope for scope in scored.scopes if scope.scope != TRUTH_LIST_SCOPE]
    unit = scored.table.unit
    return Table(
        id="clips",
        title=f"{unit.capitalize()} of {scored.table.name} ({scored.table.format}) by set and true class",
        header=("Set", "Subjects", unit.capitalize(), *class_names),
        rows=tuple(_build_clip_row(scope, len(class_names)) for scope in scopes),
        notes=(_describe_official_counts(scopes),),
    )


def _describe_official_counts(scopes: Sequence[ScopeScores]) -> str:
    if not all(scope.official for scope in scopes):
        return "The sets or classes are not those of MEGC 2019, so there are no official counts."
    if all(scope.has_official_counts for scope in scopes):
        return "All counts are the official ones of MEGC 2019."
    return "The official count of MEGC 2019 is in parentheses where the count differs."


def _build_clip_row(scope: ScopeScores, num_classes: int) -> tuple[Cell, ...]:
    official = scope.official
    official_counts: Sequence[int | None] = (
        (official.num_subjects, official.num_clips, *official.clips_per_class)
        if official
        else (None,) * (2 + num_classes)
    )
    counts = (scope.num_subjects, scope.scores.num_samples, *scope.clips_per_class)
    return (
        text_cell(scope.title),
        *(
            _build_count_cell(count, official_count)
            for count, official_count in zip(counts, official_counts, strict=True)
        ),
    )


def _build_count_cell(count: int, official: int | None) -> Cell:
    cell = count_cell(count)
    return cell if official in (None, count) else Cell(text=f"{cell.text} ({official})", value=count)


def build_score_table(scored: ScoredTable) -> Table:
    """Return the main metrics of each scope with their intervals over subjects."""
    has_interval = any(
        estimate and estimate.low is not None
        for scope in scored.scopes
        for estimate in scope.estimates.values()
    )
    interval_note = (
        "In parentheses: 95 % interval over subjects, conditional on these predictions. It does not cover "
        "other trainings. A value without one does not vary between subjects, or has fewer than "
        f"{MIN_CLUSTERS} subjects."
        if has_interval
        else f"No interval: it needs at least {MIN_CLUSTERS} known subjects."
    )
    return Table(
        id="scores",
        title=f"Scores of {scored.table.name}, pooled over all folds",
        header=("Set", *(SCORE_HEADERS[metric] for metric in MAIN_METRICS), "Classes"),
        rows=tuple(
            (
                text_cell(scope.title),
                *(
                    _build_score_cell(scope.values[metric], scope.estimates[metric])
                    for metric in MAIN_METRICS
                ),
                text_cell(_format_class_count(scope)),
            )
            for scope in scored.scopes
        ),
        notes=(
            interval_note,
            "Classes: how many have true clips. UF1, UAR and macro precision are means over these classes.",
            *_describe_published_scores(scored.scopes[0]),
        ),
    )


def _describe_published_scores(scope: ScopeScores) -> Iterator[str]:
    """Yield the published values that may be compared with predictions for all clips of the composite."""
    if scope.official is not COMPOSITE or not scope.has_official_counts:
        return
    values: dict[str, list[str]] = {}
    for score in list_comparable_scores(FULL):
        values.setdefault(score.method, []).append(f"{score.metric} {score.recomputed}")
    methods = "; ".join(f"{method} {', '.join(texts)}" for method, texts in values.items())
    yield f"Full, of published methods, from their public logs over as many clips: {methods}."


def _format_class_count(scope: ScopeScores) -> str:
    num_classes = len(scope.scores.per_class)
    return f"{num_classes - len(scope.scores.absent_classes)} of {num_classes}"


def _build_score_cell(value: float, estimate: Estimate | None) -> Cell:
    if estimate is None or estimate.low is None or estimate.high is None:
        return Cell(text=f"{value:.4f}", value=value)
    low, high = max(0.0, estimate.low), min(1.0, estimate.high)
    if f"{low:.6f}" == f"{high:.6f}":
        return Cell(text=f"{value:.4f}", value=value)
    return Cell(text=f"{value:.4f} ({low:.3f} to {high:.3f})", value=value)


def build_difference_table(difference: PairedDifference) -> Table:
    """Return the paired differences of the main metrics with their intervals over subjects."""
    (first, second), unit = difference.names, difference.unit
    pairing = "" if difference.has_clip_names else ", paired by position within their subject"
    only_first, only_second = difference.num_unpaired
    return Table(
        id="difference",
        title=f"{second} minus {first}, in points, over {difference.num_clips} {unit} of both{pairing}",
        header=("Metric", "Difference", "95 % interval"),
        rows=tuple(
            _build_difference_row(metric, difference.estimates[metric]) for metric in difference.estimates
        ),
        notes=(
            f"Only the second is right on {difference.wins} {unit}, only the first on {difference.losses}.",
            f"Left out: {only_first} {unit} that only the first has, {only_second} that only the second has, "
            f"{difference.num_relabeled} with different labels.",
            "Conditional on these predictions: each file is one training, and another training of the same "
            "network predicts otherwise. The interval covers only other subjects, so it gives no verdict "
            "about the methods.",
        ),
    )


def _build_difference_row(metric: str, estimate: Estimate | None) -> tuple[Cell, ...]:
    if estimate is None:
        return text_cell(SCORE_HEADERS[metric]), text_cell(NO_VALUE), text_cell(NO_VALUE)
    points = 100 * estimate.value
    return (
        text_cell(SCORE_HEADERS[metric]),
        Cell(text=format_points(points), value=points),
        text_cell(format_interval(estimate)),
    )
