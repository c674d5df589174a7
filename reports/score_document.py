"""The document on the scores of predictions: as text for terminal and markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.text import summarize_names
from reports.markdown import escape, render_bullets, render_table
from reports.tables.prediction_scores import build_clip_table, build_difference_table, build_score_table
from studies.prediction_files.clip_list import compute_clip_list_digest
from studies.prediction_files.table import PredictionTable
from studies.scoring.scored_table import PairedDifference, ScopeScores, ScoredTable
from studies.scoring.truth_comparison import TruthComparison
from studies.statistics.verdicts import Estimate

MARKDOWN_FILE, DATA_FILE = "score.md", "score.json"


def render_scores(scored_tables: Sequence[ScoredTable], difference: PairedDifference | None) -> str:
    """Return tables and findings on each table of predictions, and the paired difference, as markdown."""
    blocks = [block for scored in scored_tables for block in _render_table_blocks(scored)]
    if difference:
        blocks.append(render_table(build_difference_table(difference)))
    return "\n\n".join(blocks)


def _render_table_blocks(scored: ScoredTable) -> Iterator[str]:
    clip_table = build_clip_table(scored)
    yield render_table(replace(clip_table, notes=(*clip_table.notes, *_list_findings(scored))))
    yield render_table(build_score_table(scored))
    if scored.claims:
        yield "Claimed values:\n\n" + render_bullets(claim.text for claim in scored.claims)


def _list_findings(scored: ScoredTable) -> Iterator[str]:
    """Yield what a reader must know about the clips of a table before its scores."""
    table = scored.table
    yield from table.notes
    if table.has_clip_names:
        yield f"Digest of the clip list: {_compute_digest(table)} (as in reports)."
    if table.repeats:
        yield f"{table.repeats} lines repeat a clip with the same prediction. They count once."
    if scored.scopes[0].scores.is_collapsed:
        yield "All predictions are the same class."
    if scored.truth_comparison:
        yield from _describe_truth_comparison(scored.truth_comparison)


def _compute_digest(table: PredictionTable) -> str:
    return compute_clip_list_digest(table.predictions, table.classes)


def _describe_truth_comparison(comparison: TruthComparison) -> Iterator[str]:
    if comparison.is_equal:
        yield f"Clips and labels are those of the truth list ({comparison.num_listed} clips)."
        return
    for names, verb in (
        (comparison.missing, "in the truth list have no prediction"),
        (comparison.unknown, "are not in the truth list"),
        (comparison.relabeled, "have another label in the truth list"),
    ):
        yield f"Clips that {verb}: {len(names)}{f' ({summarize_names(names)})' if names else ''}."


def build_score_data(
    scored_tables: Sequence[ScoredTable], difference: PairedDifference | None
) -> dict[str, Any]:
    """Return the document as JSON data, with every clip and every metric that the text leaves out."""
    return {
        "files": [_build_table_data(scored) for scored in scored_tables],
        "difference": _build_difference_data(difference) if difference else None,
    }


def _build_table_data(scored: ScoredTable) -> dict[str, Any]:
    table, comparison = scored.table, scored.truth_comparison
    return {
        "name": table.name,
        "format": table.format,
        "unit": table.unit,
        "clip_list": _compute_digest(table) if table.has_clip_names else None,
        "classes": list(table.classes),
        "repeats": table.repeats,
        "notes": list(table.notes),
        "scopes": [_build_scope_data(scope) for scope in scored.scopes],
        "truth_list": comparison
        and {
            "clips": comparison.num_listed,
            "missing": list(comparison.missing),
            "unknown": list(comparison.unknown),
            "relabeled": list(comparison.relabeled),
        },
        "claims": [
            {
                "scope": result.claim.scope,
                "metric": result.claim.metric,
                "claimed": result.claim.number,
                "percent": result.claim.is_percent,
                "status": result.status,
                "value": result.value,
                "matches": [{"scope": scope, "metric": metric} for scope, metric in result.matches],
            }
            for result in scored.claims
        ],
    }


def _build_scope_data(scope: ScopeScores) -> dict[str, Any]:
    official = scope.official
    return {
        "scope": scope.scope,
        "subjects": scope.num_subjects,
        "clips": scope.scores.num_samples,
        "clips_per_class": list(scope.clips_per_class),
        "official": official
        and {
            "subjects": official.num_subjects,
            "clips": official.num_clips,
            "clips_per_class": list(official.clips_per_class),
        },
        "absent_classes": list(scope.scores.absent_classes),
        "confusion_matrix": [list(row) for row in scope.confusion_matrix],
        "metrics": dict(scope.values),
        "intervals": {metric: _build_interval(estimate) for metric, estimate in scope.estimates.items()},
    }


def _build_interval(estimate: Estimate | None) -> list[float] | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return [max(0.0, estimate.low), min(1.0, estimate.high)]


def _build_difference_data(difference: PairedDifference) -> dict[str, Any]:
    return {
        "first": difference.names[0],
        "second": difference.names[1],
        "clips": difference.num_clips,
        "only_first": difference.num_unpaired[0],
        "only_second": difference.num_unpaired[1],
        "relabeled": difference.num_relabeled,
        "wins": difference.wins,
        "losses": difference.losses,
        "conditional": True,
        "metrics": {
            metric: estimate
            and {
                "difference": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "p": estimate.p,
                "subjects": estimate.cluster_count,
            }
            for metric, estimate in difference.estimates.items()
        },
    }


def write_scores(
    scored_tables: Sequence[ScoredTable], difference: PairedDifference | None, out: Path
) -> Path:
    """Write `out`/score.md and `out`/score.json, and return the path of score.md."""
    out.mkdir(parents=True, exist_ok=True)
    names = escape(", ".join(scored.table.name for scored in scored_tables))
    text = f"# Scores of {names}\n\n{render_scores(scored_tables, difference)}\n"
    path = out / MARKDOWN_FILE
    path.write_text(text, encoding="utf-8")
    data = build_score_data(scored_tables, difference)
    (out / DATA_FILE).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return path
