"""How far the results of a study depend on the training seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reports.beside import title_of
from reports.columns import SEEN, WHO, seen, short_notes, who
from reports.numbers import NOTHING, label, percent, whole
from reports.outcomes import Outcome, Outcomes, SeedOutcome
from reports.table import Cell, Table
from studies.spec import RunSpec, Study, is_null
from studies.stability import Rankings, accuracy_std, class_changes, count_test_sets, rank_arms

Round = tuple[RunSpec, ...]
"""What the trainings of all arms with one seed and one split have in common."""


def stability_table(study: Outcomes) -> Table | None:
    """One row a network and protocol; None if no network has finished two seeds."""
    if not any(len(row.seeds) > 1 for row in study.rows):
        return None
    rankings = {protocol: rankings_of(study, protocol) for protocol in study.study.protocols}
    return Table(
        id=f"stability-{study.study.name}",
        title=f"Stability over seeds on {title_of(study.study.dataset.name)}",
        header=(
            *WHO,
            "Units compared",
            "Class changes, %",
            "SD of accuracy, points",
            "Mean rank",
            "Seeds ranked first",
            *SEEN,
        ),
        rows=tuple(_row(row, rankings[row.protocol], study.under(row.protocol)) for row in study.rows),
        notes=(
            "Units compared: test units that two or more seeds of the network tested.",
            "Class changes: share of these units whose predicted class differs between the seeds.",
            "SD of accuracy: sample standard deviation over the seeds with the same test units, pooled over "
            "the test sets.",
            *_test_set_notes(study.rows, rankings),
            *_ranking_notes(rankings),
            *short_notes(study.rows),
        ),
    )


def rankings_of(study: Outcomes, protocol: str) -> Rankings | None:
    """Rank the networks of a protocol in every seed that all of them have finished.

    Networks without a finished seed are left out. None with fewer than two networks or two such seeds.
    """
    rows = [row for row in study.under(protocol) if row.seeds and not is_null(row.arm)]
    by_round = [{_round(seed, study.study): seed.units for seed in row.seeds} for row in rows]
    if not by_round:
        return None
    keys = [key for key in by_round[0] if all(key in rounds for rounds in by_round)]
    return rank_arms(
        [{row.arm.name: rounds[key] for row, rounds in zip(rows, by_round, strict=True)} for key in keys]
    )


def _round(seed: SeedOutcome, study: Study) -> Round:
    """The runs of one seed with everything replaced that differs between the arms of a study."""
    return tuple(replace(run.spec, architecture=study.proposal, training=study.training) for run in seed.runs)


def _row(row: Outcome, rankings: Rankings | None, rivals: Sequence[Outcome]) -> tuple[Cell, ...]:
    """`rivals` are all networks under the protocol; a rank depends on the runs of each of them."""
    trainings = [seed.units for seed in row.seeds]
    changes, deviation = class_changes(trainings), accuracy_std(trainings)
    name = row.arm.name
    ranking = rankings if rankings and name in rankings.arms else None
    keys = tuple(key for rival in rivals for key in rival.keys)
    empty = label(NOTHING)
    return (
        *who(row),
        whole(changes.units, row.keys) if changes else empty,
        _percent(changes.share, row.keys) if changes else empty,
        empty if deviation is None else _percent(deviation, row.keys),
        _rank(ranking.mean_rank(name), keys) if ranking else empty,
        _times(ranking.count_wins(name), ranking.rounds, keys) if ranking else empty,
        *seen(row),
    )


def _percent(share: float, keys: tuple[str, ...]) -> Cell:
    return Cell(text=percent(share), value=100 * share, run_keys=keys)


def _rank(rank: float, keys: tuple[str, ...]) -> Cell:
    return Cell(text=f"{rank:.2f}", value=rank, run_keys=keys)


def _times(wins: int, rounds: int, keys: tuple[str, ...]) -> Cell:
    return Cell(text=f"{wins} of {rounds}", value=wins, run_keys=keys)


def _test_set_notes(rows: Sequence[Outcome], rankings: dict[str, Rankings | None]) -> Iterator[str]:
    """Under which protocols the seeds differ in their test units."""
    trainings = [(row.protocol, [seed.units for seed in row.seeds]) for row in rows if len(row.seeds) > 1]
    for protocol in dict.fromkeys(protocol for protocol, _ in trainings):
        members = [units for name, units in trainings if name == protocol]
        test_sets = max(map(count_test_sets, members))
        if test_sets > 1 and rankings[protocol]:
            yield f"Under {protocol}, the seeds have {test_sets} test sets, so rankings depend on them too."
        if all(accuracy_std(units) is None for units in members):
            yield f"Under {protocol}, no two seeds of a network have the same test units: there is no SD."


def _ranking_notes(rankings: dict[str, Rankings | None]) -> Iterator[str]:
    if any(rankings.values()):
        yield "Mean rank: over the seeds that all networks have finished; rank 1 is the highest accuracy."
        yield "Networks with equal accuracy share the mean of their ranks and are first together."
    for protocol, ranking in rankings.items():
        if ranking:
            variants = (
                f"{ranking.variants} different rankings" if ranking.variants > 1 else "the same ranking"
            )
            best = ", ".join(
                f"{arm} (first in {ranking.count_wins(arm)} of {ranking.rounds} seeds)"
                for arm in ranking.best_arms()
            )
            yield f"Under {protocol}, {ranking.rounds} seeds give {variants} of {len(ranking.arms)} networks."
            yield f"Best mean rank under {protocol}: {best}."
