"""The analysis plan of a study: its comparisons, metric, margin and seeds, fixed before the first cell runs.

A study is confirmatory if its plan was logged before any of its cells ran. Every other study is exploratory:
its metric, pairs or number of seeds may have been chosen after the results were known (Nosek et al. 2018,
doi 10.1073/pnas.1708274114).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from studies.arms import build_pairs
from studies.codec import to_json
from studies.errors import StudyError
from studies.spec import Metric
from studies.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPlan:
    """The choices that are fixed before the first cell of a study runs.

    `pairs` holds the names (before, after) of the arms of each comparison. `margin` is a fraction.
    `study_name` is the name of the study; its digest covers the data, the training, the arms and all else.
    """

    study_name: str
    metric: Metric
    margin: float
    protocols: tuple[str, ...]
    split_seeds: tuple[int, ...]
    seeds: tuple[int, ...]
    pairs: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """The 16 hexadecimal digits that identify the plan."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()[:16]


def build_analysis_plan(study: Study) -> AnalysisPlan:
    """Return the analysis plan of `study`."""
    return AnalysisPlan(
        study_name=study.name,
        metric=study.metric,
        margin=study.margin,
        protocols=study.protocols,
        split_seeds=study.split_seeds,
        seeds=study.seeds,
        pairs=tuple(
            (before.name, after.name) for before, after in build_pairs(study.arms, design=study.design)
        ),
    )


def check_matches_plan(study: Study, plan: AnalysisPlan) -> None:
    """Check that `study` matches `plan`.

    Raises:
        StudyError: they differ; the message lists the fields.
    """
    current_plan = build_analysis_plan(study)
    differences = [
        f"{field.name}: planned {getattr(plan, field.name)}, got {getattr(current_plan, field.name)}"
        for field in fields(plan)
        if getattr(plan, field.name) != getattr(current_plan, field.name)
    ]
    if differences:
        raise StudyError(
            "analysis-plan.difference",
            f"a study run with --plan must be the planned one; it differs in {'; '.join(differences)}: "
            "repeat the options that the plan was saved with, or save a new plan with --save-plan",
        )
