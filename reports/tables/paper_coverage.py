"""Find the paper's tables and figures that the studies do not cover, the reasons, and the commands to run."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from architectures.catalogue import COMPARISON_NETWORKS, LADDER
from reports.outcomes import StudyEvaluation
from reports.paper_reference import dataset_title, differences_from_paper
from reports.study_command import find_root
from studies.paper.published import ABLATION_DATASET, PAPER_ITEMS, PUBLISHED_RESULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingItem:
    """An item of `studies.paper.published` that no study covers: the reason, and the command to run."""

    item: str
    reason: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Requirement:
    """What a study needs to cover an item of the paper.

    `kind` is the kind of study ("": any), `dataset` its dataset, `arms` the networks that must have finished,
    and `image` the name of an image that must be stored with the study ("": none).
    """

    item: str
    kind: str
    dataset: str
    arms: tuple[str, ...] = ()
    image: str = ""


def _list_requirements() -> tuple[_Requirement, ...]:
    comparison_names, rung_names = (tuple(arm.name for arm in arms) for arms in (COMPARISON_NETWORKS, LADDER))
    requirements = [
        _Requirement(
            item=f"Figure {figure_number}", kind="ablation", dataset=ABLATION_DATASET, arms=rung_names
        )
        for figure_number in (16, 17, 18)
    ]
    requirements.append(
        _Requirement(item="Figure 9", kind="", dataset=ABLATION_DATASET, image="augmentation")
    )
    for name, paper_results in PUBLISHED_RESULTS.items():
        requirements.append(_Requirement(item="Table 2", kind="", dataset=name))
        requirements.append(
            _Requirement(item=paper_results.samples_figure, kind="", dataset=name, image="samples")
        )
        requirements.append(
            _Requirement(item=paper_results.per_class_table, kind="", dataset=name, arms=("proposed",))
        )
        figures = (paper_results.confusion_figure, paper_results.accuracy_figure, paper_results.loss_figure)
        requirements += [
            _Requirement(item=item, kind="comparison", dataset=name, arms=comparison_names)
            for item in (paper_results.comparison_table, *figures)
        ]
    order = list(PAPER_ITEMS)
    return tuple(sorted(requirements, key=lambda requirement: order.index(requirement.item)))


def find_missing_items(
    evaluations: Sequence[StudyEvaluation], images: Collection[str]
) -> tuple[MissingItem, ...]:
    """Return the items of the paper that no study covers, in the paper's order.

    `images` holds the names "{study.name}/{image name}" of the available images.
    """
    missing_items = []
    for requirement in _list_requirements():
        reasons = [
            _find_reason(requirement, evaluation, images)
            for evaluation in evaluations
            if _is_matching_study(requirement, evaluation)
        ]
        if "" in reasons:
            continue
        study_kind = requirement.kind or "study"
        reason = reasons[0] if reasons else f"No {study_kind} on {dataset_title(requirement.dataset)}"
        command = _build_command(requirement, evaluations)
        missing_items.append(MissingItem(item=requirement.item, reason=reason, command=command))
    return tuple(missing_items)


def _is_matching_study(requirement: _Requirement, evaluation: StudyEvaluation) -> bool:
    return evaluation.study.dataset.name == requirement.dataset and requirement.kind in (
        "",
        evaluation.study.kind,
    )


def _find_reason(requirement: _Requirement, evaluation: StudyEvaluation, images: Collection[str]) -> str:
    """Return the reason why this study does not cover the item; "" if it does."""
    if evaluation.is_synthetic:
        return "The faces are synthetic, not from the release"
    if requirement.image:
        has_image = f"{evaluation.study.name}/{requirement.image}" in images
        return "" if has_image else "The figure is not stored with the study"
    if "frame" not in evaluation.study.protocols:
        return "Not run under frame, the paper's split"
    outcomes_by_arm = {outcome.arm.name: outcome for outcome in evaluation.select_protocol("frame")}
    missing_arms = [arm for arm in requirement.arms if arm not in outcomes_by_arm]
    if missing_arms:
        return f"Networks left out: {', '.join(missing_arms)}"
    unfinished_arms = [arm for arm in requirement.arms if not outcomes_by_arm[arm].trainings]
    if unfinished_arms or not evaluation.result.results:
        return f"Not finished under frame: {', '.join(unfinished_arms) or 'any network'}"
    paper_differences = differences_from_paper(evaluation.study)
    return (
        f"Not the paper's settings: {'; '.join(paper_differences)}"
        if paper_differences and requirement.arms
        else ""
    )


def _build_command(requirement: _Requirement, evaluations: Sequence[StudyEvaluation]) -> str:
    """Return the harness command that covers the item, on the release that a study of the report names."""
    name, design_option = (
        ("ablate", "--design ladder ") if requirement.kind == "ablation" else ("compare", "")
    )
    roots = [
        find_root(evaluation.result)
        for evaluation in evaluations
        if evaluation.study.dataset.name == requirement.dataset and not evaluation.is_synthetic
    ]
    root = next(filter(None, roots), "")
    root_option = f"--root {shlex.quote(root)} " if root else ""
    return f"harness {name} --dataset {requirement.dataset} {root_option}{design_option}--protocol frame"
