"""The question that a study asks, as a text for the top of its report."""

from __future__ import annotations

from reports.paper_reference import dataset_title
from studies.arms import FACTORIAL, LADDER_DESIGNS, PLACEBO, select_reference_arm
from studies.metrics import METRIC_NAMES
from studies.study import Study

_QUESTIONS = {
    **dict.fromkeys(LADDER_DESIGNS, "does each component, added to the rung before it, change the {metric}?"),
    "leave-one-out": "how much {metric} does {reference} lose without each of its components?",
    "add-one-in": "how much {metric} does each component alone add to {reference}?",
    FACTORIAL: "how much {metric} does each component add, over all combinations with the others?",
    PLACEBO: "does each component add more {metric} than as many parameters without it?",
    "": "does {reference} differ from the other networks in {metric}?",
}
"""Questions by design; "" is a comparison."""


def describe_question(study: Study) -> str:
    """Return the question of a study's design, and the smallest difference that matters."""
    reference = select_reference_arm(study.arms, design=study.design).name
    question = _QUESTIONS[study.design].format(metric=METRIC_NAMES[study.metric], reference=reference)
    return (
        f"Question: on {dataset_title(study.dataset.name)}, under {' and '.join(study.protocols)}, "
        f"{question} Differences within ±{100 * study.margin:g} points do not matter (the margin)."
    )
