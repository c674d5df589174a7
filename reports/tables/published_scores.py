"""Published UF1 and UAR, with their status, beside those of a study on MEGC 2019 or one of its data sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from datasets.megc2019.constants import CLASSES, NAME, SETS
from datasets.spec import Leakage
from reports.formatting import NO_VALUE, count_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from reports.tables.composite_parts import METRICS, build_percent_cell, score_part
from reports.tables.score_columns import (
    build_clip_list_notes,
    build_mark_notes,
    build_missing_run_notes,
    describe_leakage,
)
from studies.metrics import Scores
from studies.published.scores import (
    STATUS_MEANINGS,
    PublishedScore,
    get_official_counts,
    list_comparable_scores,
    load_published_scores,
)
from studies.scoring.claims import FULL

PROTOCOL = "loso"
"""The protocol of the published values."""

HEADER = (
    "Method",
    "Protocol",
    "Set",
    "Clips",
    "Metric as named",
    "Printed, %",
    "Computed, %",
    "Metric in truth",
    "Status",
    "Selection rule",
)
VALUE_NOTE = (
    "Printed: the value in the publication. Computed: the metric as named, from the predictions of all folds "
    "together; for a published method these are the predictions in its public log."
)
RULE_NOTE = (
    "Metric in truth: the metric that the printed value is; for an unverifiable value, what its source says. "
    "Selection rule: how the training epoch of each fold is chosen."
)


def build_published_table(evaluation: StudyEvaluation) -> Table | None:
    """Build the table of published values and of the study's own; None if no published value fits the data.

    On the composite the table has the values of all its sets. On one of the sets it has the values of this
    set, if the study has the composite's classes and ran under `PROTOCOL`.
    """
    scopes = list_published_scopes(evaluation)
    if not scopes:
        return None
    is_composite = evaluation.study.dataset.name == NAME
    outcomes = select_published_outcomes(evaluation)
    published = [score for score in load_published_scores() if score.scope in scopes]
    without_value = [score for score in load_published_scores() if is_composite and not score.scope]
    return Table(
        id=f"published-{evaluation.study.name}",
        title=f"Published numbers on {dataset_title(NAME)}, and those of this study",
        header=HEADER,
        rows=tuple(
            row
            for scope in scopes
            for metric in METRICS
            for row in (
                *(_build_published_row(s) for s in published if (s.scope, s.metric) == (scope, metric)),
                *(_build_own_row(outcome, scope, metric) for outcome in outcomes),
            )
        ),
        notes=(
            *describe_comparisons(evaluation, outcomes, scopes),
            VALUE_NOTE,
            RULE_NOTE,
            _describe_statuses([*published, *without_value]),
            *_list_evidence(published),
            *_list_methods_without_value(without_value),
            *build_clip_list_notes(outcomes),
            *build_missing_run_notes(outcomes),
            *build_mark_notes(outcomes),
        ),
    )


def list_published_scopes(evaluation: StudyEvaluation) -> tuple[str, ...]:
    """Return the scopes of the published values that fit the study's data."""
    name = evaluation.study.dataset.name
    if name == NAME:
        return FULL, *SETS
    has_classes = set(evaluation.classes) == set(CLASSES)
    return (name,) if name in SETS and has_classes and PROTOCOL in evaluation.study.protocols else ()


def select_published_outcomes(evaluation: StudyEvaluation) -> list[Outcome]:
    """Return the outcomes to show beside published values: on one of the sets, those under `PROTOCOL`."""
    is_composite = evaluation.study.dataset.name == NAME
    return [outcome for outcome in evaluation.outcomes if is_composite or outcome.protocol == PROTOCOL]


def _build_published_row(score: PublishedScore) -> tuple[Cell, ...]:
    return (
        text_cell(score.method),
        text_cell(PROTOCOL),
        text_cell(get_official_counts(score.scope).title),
        count_cell(score.clips or 0),
        text_cell(score.metric),
        build_value_cell(score.printed),
        build_value_cell(score.recomputed),
        text_cell(score.metric_in_truth),
        text_cell(score.status),
        text_cell(score.selection_rule),
    )


def build_value_cell(value: Decimal | None) -> Cell:
    """Return a value of [0, 1] in %, with all its printed digits."""
    if value is None:
        return text_cell(NO_VALUE)
    percentage = value.scaleb(2)
    return Cell(text=str(percentage), value=float(percentage))


def _build_own_row(outcome: Outcome, scope: str, metric: str) -> tuple[Cell, ...]:
    scores = [score_scope(outcome, training, scope) for training in outcome.trainings]
    status = outcome.missing_status if not scores else "this study"
    count = (
        Cell(
            text=f"{scores[0].num_samples}{'' if outcome.unit_name == 'clips' else f' {outcome.unit_name}'}",
            value=scores[0].num_samples,
            run_keys=outcome.run_keys,
        )
        if scores
        else text_cell(NO_VALUE)
    )
    return (
        text_cell(outcome.marked_name),
        text_cell(outcome.protocol),
        text_cell(get_official_counts(scope).title),
        count,
        text_cell(metric),
        text_cell(NO_VALUE),
        build_percent_cell([METRICS[metric](score) for score in scores], outcome.run_keys),
        text_cell(metric),
        text_cell(status),
        text_cell("validation"),
    )


def score_scope(outcome: Outcome, training: TrainingOutcome, scope: str) -> Scores:
    """Return the scores of one training of an outcome over the clips of a scope."""
    is_whole = scope == FULL or outcome.runs[0].spec.dataset.name != NAME
    return training.scores if is_whole else score_part(training, scope)


def describe_comparisons(
    evaluation: StudyEvaluation,
    outcomes: Sequence[Outcome],
    scopes: Sequence[str],
) -> Iterator[str]:
    """Yield for each protocol which published values may be compared with the study's, or why none may."""
    for protocol in dict.fromkeys(outcome.protocol for outcome in outcomes):
        first = next((o for o in outcomes if o.protocol == protocol and o.trainings), None)
        obstacles = list(_list_obstacles(evaluation, protocol, first, scopes))
        if obstacles:
            yield (
                f"The values of this study under {protocol} may not be compared with the published ones: "
                f"{'; '.join(obstacles)}."
            )
            continue
        methods = dict.fromkeys(s.method for scope in scopes for s in list_comparable_scores(scope))
        yield (
            f"The values of this study under {protocol} may be compared with the computed values of "
            f"{', '.join(methods)}, which have the same protocol and number of clips. The other published "
            "values may not be compared: they are unverifiable, over another number of clips, or from an "
            "epoch chosen on the test subject."
        )


def _list_obstacles(
    evaluation: StudyEvaluation, protocol: str, outcome: Outcome | None, scopes: Sequence[str]
) -> Iterator[str]:
    """Yield each reason against a comparison; `outcome` is one with trainings under the protocol, if any."""
    if evaluation.is_synthetic:
        yield "the faces are synthetic"
    if protocol != PROTOCOL:
        leakage = outcome.leakage if outcome else None
        share_text = f" ({describe_leakage(leakage)})" if leakage and _has_leakage(leakage) else ""
        yield f"the published protocol is {PROTOCOL}{share_text}"
    if evaluation.study.dataset.name != NAME:
        yield (
            "the published networks were trained on three data sets, those of this study on "
            f"{dataset_title(evaluation.study.dataset.name)} alone"
        )
    if outcome is None:
        yield "no training has finished"
        return
    counts = [
        (get_official_counts(scope), score_scope(outcome, outcome.trainings[0], scope).num_samples)
        for scope in scopes
    ]
    differences = [
        f"{official.title} {count} instead of {official.num_clips}"
        for official, count in counts
        if count != official.num_clips
    ]
    if differences:
        yield f"the clip lists differ (test {outcome.unit_name}: {', '.join(differences)})"


def _has_leakage(leakage: Leakage) -> bool:
    return leakage.clip != 0 or leakage.subject != 0


def _describe_statuses(scores: Iterable[PublishedScore]) -> str:
    statuses = {score.status for score in scores}
    meanings = (f"{status}: {text}" for status, text in STATUS_MEANINGS.items() if status in statuses)
    return f"Status: {'; '.join(meanings)}."


def _list_evidence(scores: Sequence[PublishedScore]) -> Iterator[str]:
    """Yield the evidence for each method, in one note for methods with the same evidence."""
    texts_by_method: dict[str, dict[str, None]] = {}
    for score in scores:
        texts_by_method.setdefault(score.method, {}).update(dict.fromkeys(_list_sources(score)))
    methods_by_text: dict[str, list[str]] = {}
    for method, texts in texts_by_method.items():
        methods_by_text.setdefault("; ".join(texts), []).append(method)
    yield from (f"{', '.join(methods)}: {text}." for text, methods in methods_by_text.items())


def _list_methods_without_value(scores: Iterable[PublishedScore]) -> Iterator[str]:
    for score in scores:
        yield f"{score.method}: {score.status}, no value listed; {'; '.join(_list_sources(score))}."


def _list_sources(score: PublishedScore) -> Iterator[str]:
    if score.evidence:
        yield score.evidence.text
    if score.selection_evidence:
        yield f"selection rule: {score.selection_evidence.text}"
    if score.remark:
        yield score.remark
