"""The figures of a study's predictions and curves, described for its report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from reports.formatting import UNKNOWN
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import dataset_title, find_paper_reference
from reports.plots.ablation_bars import MAX_NARROW_ARMS, draw_ablation_bars
from reports.plots.confusion_matrices import draw_confusion_matrices
from reports.plots.reliability_diagrams import draw_reliability_diagrams
from reports.plots.training_curves import draw_curves
from reports.table import ReportFigure
from reports.tables.ablation import cite_ablation_items
from reports.tables.score_columns import describe_leakage
from studies.arms import LADDER_DESIGNS
from studies.calibration import NUM_BINS
from studies.results import RunResult

FIGURE_FOLDER = "figures"


def format_figure_path(study: str, figure_name: str) -> str:
    """Return the path of a study's figure relative to the report; it is safe in a link."""
    return f"{FIGURE_FOLDER}/{re.sub(r'[^A-Za-z0-9._-]+', '-', f'{study}-{figure_name}')}.png"


def pool_folds(outcome: Outcome) -> RunResult | None:
    """Return the first training's first run, with the predictions of all folds; None without a training."""
    if not outcome.trainings:
        return None
    first_training = outcome.trainings[0]
    return replace(first_training.runs[0], predictions=first_training.predictions)


def _select_runs(outcomes: Sequence[Outcome]) -> tuple[RunResult, ...]:
    return tuple(run for run in map(pool_folds, outcomes) if run is not None)


def list_first_training_keys(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the run keys of the first finished training of each network."""
    return tuple(
        run.spec.key for outcome in outcomes for training in outcome.trainings[:1] for run in training.runs
    )


def _build_seed_notes(evaluation: StudyEvaluation) -> tuple[str, ...]:
    """Return a note for figures that show one training per network of a study with several seeds."""
    seeds = evaluation.study.seeds
    return (
        (f"Shown is the first finished training of the seeds {', '.join(map(str, seeds))}.",)
        if len(seeds) > 1
        else ()
    )


def build_confusion_figure(evaluation: StudyEvaluation, protocol: str) -> ReportFigure | None:
    """Draw the confusion matrices of the networks under one protocol; None if no run has finished."""
    outcomes = evaluation.select_protocol(protocol)
    runs = _select_runs(outcomes)
    if not runs:
        return None
    file = format_figure_path(evaluation.study.name, f"confusion-{protocol}")
    paper_ref = find_paper_reference(evaluation)
    return ReportFigure(
        id=f"confusion-{evaluation.study.name}-{protocol}",
        title=f"Confusion matrices on {dataset_title(evaluation.study.dataset.name)} "
        f"under {format_protocol(outcomes)}",
        file=file,
        alt_text=f"Confusion matrices of {', '.join(run.spec.architecture.name for run in runs)}",
        run_keys=list_first_training_keys(outcomes),
        notes=(
            f"Numbers: {outcomes[0].unit_name}. Empty: 0. Shade: share of the true class. Rows: true class.",
            describe_outcome_leakage(outcomes),
            *_build_seed_notes(evaluation),
        ),
        paper_items=paper_ref.cite_items(paper_ref.results.confusion_figure) if paper_ref else (),
        draw=partial(draw_confusion_matrices, runs),
    )


def build_curve_figure(
    evaluation: StudyEvaluation, protocol: str, *, metric: Literal["accuracy", "loss"]
) -> ReportFigure | None:
    """Draw the training and validation curves under one protocol; None if no run has finished."""
    outcomes = evaluation.select_protocol(protocol)
    runs = _select_runs(outcomes)
    if not runs:
        return None
    file = format_figure_path(evaluation.study.name, f"{metric}-{protocol}")
    dataset_name = dataset_title(evaluation.study.dataset.name)
    return ReportFigure(
        id=f"{metric}-{evaluation.study.name}-{protocol}",
        title=f"{metric.capitalize()} by epoch on {dataset_name} under {format_protocol(outcomes)}",
        file=file,
        alt_text=f"{metric.capitalize()} by epoch of {', '.join(run.spec.architecture.name for run in runs)}",
        run_keys=list_first_training_keys(outcomes),
        notes=(
            "Dashed: training (augmented images). Solid: validation. Dotted: the best epoch, whose weights "
            "are tested. Gray: validation of the other networks.",
            *((describe_outcome_leakage(outcomes),) if metric == "accuracy" else ()),
            *_build_seed_notes(evaluation),
        ),
        paper_items=_cite_curve_items(evaluation, metric),
        draw=partial(draw_curves, runs, metrics=(metric,)),
    )


def _cite_curve_items(evaluation: StudyEvaluation, metric: Literal["accuracy", "loss"]) -> tuple[str, ...]:
    if evaluation.study.kind == "ablation":
        return cite_ablation_items(evaluation, "Figure 16" if metric == "accuracy" else "Figure 17")
    paper_ref = find_paper_reference(evaluation)
    if paper_ref is None:
        return ()
    figure_by_quantity = {
        "accuracy": paper_ref.results.accuracy_figure,
        "loss": paper_ref.results.loss_figure,
    }
    return paper_ref.cite_items(figure_by_quantity[metric])


def build_bar_figure(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Draw the accuracy and UAR of each arm by protocol; None if no run has finished."""
    if not evaluation.result.results:
        return None
    file = format_figure_path(evaluation.study.name, "bars")
    arm_noun = "network" if evaluation.study.kind == "comparison" else "arm"
    arm_noun = "rung" if evaluation.study.design in LADDER_DESIGNS else arm_noun
    return ReportFigure(
        id=f"bars-{evaluation.study.name}",
        title=f"Accuracy and UAR of each {arm_noun} on {dataset_title(evaluation.study.dataset.name)}",
        file=file,
        alt_text=f"Bars of accuracy and UAR for {', '.join(arm.name for arm in evaluation.study.arms)}",
        run_keys=tuple(key for outcome in evaluation.outcomes for key in outcome.run_keys),
        notes=(
            "Frames are counted under frame, clips under every other protocol. Whisker: 95 % interval of the "
            "arm; intervals of two arms can overlap although their difference excludes 0, because arms are "
            "compared on the same units. Not filled: no interval, because there are too few subjects. Dots: "
            "trainings. Hatched: collapsed in at least one seed. No bar: failed or not run.",
            *(
                describe_outcome_leakage(evaluation.select_protocol(protocol))
                for protocol in evaluation.study.protocols
            ),
        ),
        paper_items=cite_ablation_items(evaluation, "Figure 18"),
        draw=partial(draw_ablation_bars, evaluation.outcomes),
        is_narrow=len(evaluation.study.arms) <= MAX_NARROW_ARMS,
    )


def build_reliability_figure(evaluation: StudyEvaluation, protocol: str) -> ReportFigure | None:
    """Draw the reliability diagrams under one protocol; None if no training has finished."""
    outcomes = [outcome for outcome in evaluation.select_protocol(protocol) if outcome.trainings]
    if not outcomes:
        return None
    file = format_figure_path(evaluation.study.name, f"reliability-{protocol}")
    has_multiple_trainings = any(len(outcome.trainings) > 1 for outcome in outcomes)
    return ReportFigure(
        id=f"reliability-{evaluation.study.name}-{protocol}",
        title=f"Reliability diagrams on {dataset_title(evaluation.study.dataset.name)} "
        f"under {format_protocol(outcomes)}",
        file=file,
        alt_text=f"Accuracy by confidence of {', '.join(outcome.arm.name for outcome in outcomes)}",
        run_keys=tuple(key for outcome in outcomes for key in outcome.run_keys),
        notes=(
            f"Line: accuracy in each of {NUM_BINS} equal-width bins of confidence. Bars: share of the units.",
            "Below the dashed diagonal, the network is overconfident.",
            *(("Each bin contains the test units of all finished seeds.",) if has_multiple_trainings else ()),
            describe_outcome_leakage(outcomes),
        ),
        draw=partial(draw_reliability_diagrams, outcomes),
    )


def describe_outcome_leakage(outcomes: Sequence[Outcome]) -> str:
    """Return a sentence on the leakage from training to test set under the outcomes' protocol."""
    leakage = next((outcome.leakage for outcome in outcomes if outcome.leakage), None)
    if leakage is None:
        return f"Under {outcomes[0].protocol} nothing has finished."
    return f"Under {outcomes[0].protocol}, {describe_leakage(leakage)}."


def format_protocol(outcomes: Sequence[Outcome]) -> str:
    """Return the protocol and its overlaps, such as "frame (overlap: clip 100 %, subject 100 %)"."""
    leakage = next((outcome.leakage for outcome in outcomes if outcome.leakage), None)
    if leakage is None:
        return outcomes[0].protocol
    clip, subject = (
        UNKNOWN if share is None else f"{100 * share:.0f} %" for share in (leakage.clip, leakage.subject)
    )
    return f"{outcomes[0].protocol} (overlap: clip {clip}, subject {subject})"
