"""Dependence of a study's results on the training seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reports.formatting import NO_VALUE, count_cell, format_percent, text_cell
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    build_short_notes,
    identity_cells,
    leakage_cells,
)
from studies.spec import RunSpec
from studies.stability import Rankings, compute_accuracy_std, count_class_changes, count_test_sets, rank_arms
from studies.study import Study, is_null_arm

PairedRun = tuple[RunSpec, ...]
"""The specs of a training's runs, equal for all arms with the same seed and split."""


def build_stability_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table with a row per network and protocol; None if no network has finished two seeds."""
    if not any(len(outcome.trainings) > 1 for outcome in evaluation.outcomes):
        return None
    rankings = {protocol: rank_networks(evaluation, protocol) for protocol in evaluation.study.protocols}
    return Table(
        id=f"stability-{evaluation.study.name}",
        title=f"Stability over seeds on {dataset_title(evaluation.study.dataset.name)}",
        header=(
            *IDENTITY_HEADER,
            "Units compared",
            "Class changes, %",
            "SD of accuracy, points",
            "Mean rank",
            "Seeds ranked first",
            *LEAKAGE_HEADER,
        ),
        rows=tuple(
            _build_row(outcome, rankings[outcome.protocol], evaluation.select_protocol(outcome.protocol))
            for outcome in evaluation.outcomes
        ),
        notes=(
            "Units compared: number of test units that two or more seeds of the network tested.",
            "Class changes: share of these units whose predicted class differs between the seeds.",
            "SD of accuracy: sample standard deviation over the seeds with the same test units, pooled over "
            "the test sets.",
            *_build_test_set_notes(evaluation.outcomes, rankings),
            *_build_ranking_notes(rankings),
            *build_short_notes(evaluation.outcomes),
        ),
    )


def rank_networks(evaluation: StudyEvaluation, protocol: str) -> Rankings | None:
    """Rank the networks of a protocol in every seed that all of them have finished.

    Networks without a finished seed are left out. None with fewer than two networks or fewer than two such
    seeds.
    """
    outcomes = [
        outcome
        for outcome in evaluation.select_protocol(protocol)
        if outcome.trainings and not is_null_arm(outcome.arm)
    ]
    units_by_round = [
        {_get_round_key(training, evaluation.study): training.units for training in outcome.trainings}
        for outcome in outcomes
    ]
    if not units_by_round:
        return None
    common_rounds = [
        round_key
        for round_key in units_by_round[0]
        if all(round_key in arm_rounds for arm_rounds in units_by_round)
    ]
    return rank_arms(
        [
            {
                outcome.arm.name: arm_rounds[round_key]
                for outcome, arm_rounds in zip(outcomes, units_by_round, strict=True)
            }
            for round_key in common_rounds
        ]
    )


def _get_round_key(training: TrainingOutcome, study: Study) -> PairedRun:
    """Return the specs of a training's runs with the fields that differ between arms set to common values."""
    return tuple(
        replace(run.spec, architecture=study.primary_arm, training=study.training) for run in training.runs
    )


def _build_row(
    outcome: Outcome, rankings: Rankings | None, competitors: Sequence[Outcome]
) -> tuple[Cell, ...]:
    """Return the row of an outcome; its ranks depend on `competitors`, all outcomes of its protocol."""
    units_by_training = [training.units for training in outcome.trainings]
    changes, deviation = count_class_changes(units_by_training), compute_accuracy_std(units_by_training)
    name = outcome.arm.name
    arm_rankings = rankings if rankings and name in rankings.arms else None
    run_keys = tuple(key for competitor in competitors for key in competitor.run_keys)
    empty_cell = text_cell(NO_VALUE)
    return (
        *identity_cells(outcome),
        count_cell(changes.units, outcome.run_keys) if changes else empty_cell,
        _build_percent_cell(changes.share, outcome.run_keys) if changes else empty_cell,
        empty_cell if deviation is None else _build_percent_cell(deviation, outcome.run_keys),
        _build_rank_cell(arm_rankings.compute_mean_rank(name), run_keys) if arm_rankings else empty_cell,
        _build_wins_cell(arm_rankings.count_wins(name), arm_rankings.num_rounds, run_keys)
        if arm_rankings
        else empty_cell,
        *leakage_cells(outcome),
    )


def _build_percent_cell(share: float, run_keys: tuple[str, ...]) -> Cell:
    return Cell(text=format_percent(share), value=100 * share, run_keys=run_keys)


def _build_rank_cell(rank: float, run_keys: tuple[str, ...]) -> Cell:
    return Cell(text=f"{rank:.2f}", value=rank, run_keys=run_keys)


def _build_wins_cell(wins: int, rounds: int, run_keys: tuple[str, ...]) -> Cell:
    return Cell(text=f"{wins} of {rounds}", value=wins, run_keys=run_keys)


def _build_test_set_notes(outcomes: Sequence[Outcome], rankings: dict[str, Rankings | None]) -> Iterator[str]:
    """Yield a note for each protocol under which the seeds differ in their test units."""
    units_by_protocol = [
        (outcome.protocol, [training.units for training in outcome.trainings])
        for outcome in outcomes
        if len(outcome.trainings) > 1
    ]
    for protocol in dict.fromkeys(protocol for protocol, _ in units_by_protocol):
        protocol_units = [units for name, units in units_by_protocol if name == protocol]
        test_set_count = max(map(count_test_sets, protocol_units))
        if test_set_count > 1 and rankings[protocol]:
            yield (
                f"Under {protocol}, the seeds have {test_set_count} test sets, "
                "so rankings depend on them too."
            )
        if all(compute_accuracy_std(units) is None for units in protocol_units):
            yield f"Under {protocol}, no two seeds of a network have the same test units: there is no SD."


def _build_ranking_notes(rankings: dict[str, Rankings | None]) -> Iterator[str]:
    if any(rankings.values()):
        yield "Mean rank: over the seeds that all networks have finished; rank 1 is the highest accuracy."
        yield "Networks with equal accuracy share the mean of their ranks and the first place."
    for protocol, ranking in rankings.items():
        if ranking:
            variants_text = (
                f"{ranking.num_distinct} different rankings"
                if ranking.num_distinct > 1
                else "the same ranking"
            )
            best_text = ", ".join(
                f"{arm} (first in {ranking.count_wins(arm)} of {ranking.num_rounds} seeds)"
                for arm in ranking.find_best_arms()
            )
            yield (
                f"Under {protocol}, {ranking.num_rounds} seeds give {variants_text} of {len(ranking.arms)} "
                "networks."
            )
            yield f"Best mean rank under {protocol}: {best_text}."
