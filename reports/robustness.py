"""What the networks' accuracy is worth on test images made worse by degrees, and whether CBAM makes it last.

A network that is better to begin with stays better when both fall alike, so what is compared is the fall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from datasets.spec import CORRUPTIONS, ILLUMINATION, POSE, STRENGTHS
from reports.checked import runs_of, twins
from reports.columns import SEEN, SEEN_NOTE, seen, seen_in_words
from reports.differences import span
from reports.figures import SMALL, grid_of, legend, legible, save
from reports.numbers import NOTHING, label, percent, points
from reports.outcomes import Outcome, Outcomes, SeedOutcome, marked
from reports.pairing import cluster_of, mean_over_units
from reports.pictures import file_name
from reports.table import Cell, Figure, Table
from studies.metrics import by_condition
from studies.results import Prediction, RunResult
from studies.statistics.verdicts import Estimate

Seed = tuple[SeedOutcome, Sequence[RunResult]]
"""One seed of an arm, and the runs of its check."""

AS_IT_IS = ""
CLAIMED = tuple(f"{kind} {strength}" for kind in (*POSE, *ILLUMINATION) for strength in STRENGTHS)
"""Conditions of the paper's claim: pose and illumination, at every strength."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Robustness:
    """One arm under one protocol: by training, condition and unit, whether it was answered right.

    The condition "" is the test as it is. `clusters` names the subject of each unit, or its fold where
    `by_fold`. `keys` are the runs of the trainings that finished both.
    """

    row: Outcome
    trainings: tuple[Mapping[str, Mapping[str, bool]], ...]
    clusters: Mapping[str, str]
    by_fold: bool
    keys: tuple[str, ...]

    @cached_property
    def right(self) -> Mapping[str, Mapping[str, float]]:
        """By condition and unit, the share of the trainings that answered it right."""
        found: dict[str, dict[str, list[bool]]] = {}
        for training in self.trainings:
            for condition, units in training.items():
                for unit, right in units.items():
                    found.setdefault(condition, {}).setdefault(unit, []).append(right)
        return {c: {unit: fmean(right) for unit, right in units.items()} for c, units in found.items()}

    def accuracy(self, *conditions: str) -> float:
        """The mean of the conditions' accuracies, 0 to 1."""
        return fmean(fmean(self.right[condition].values()) for condition in conditions)


def robustness(study: Outcomes, row: Outcome) -> Robustness | None:
    """What became of an arm's check, or None where no seed has finished both it and the run."""
    both = _both(study, row)
    return _measured(row, tuple(both.values())) if both else None


def _both(study: Outcomes, row: Outcome) -> dict[tuple[int, int], Seed]:
    """The trainings that have finished an arm's runs and its check's, by id."""
    checked = runs_of(study, "robustness", row.arm, protocol=row.protocol)
    return {seed.id: (seed, checked[seed.id]) for seed in row.seeds if seed.id in checked}


def _measured(row: Outcome, both: Sequence[Seed]) -> Robustness:
    trainings, clusters = [], dict[str, str]()
    by_fold = len(both[0][0].runs) > 1
    for seed, runs in both:
        changed = tuple(prediction for run in runs for prediction in run.predictions)
        conditions: dict[str, Sequence[Prediction]] = {AS_IT_IS: seed.units, **by_condition(changed)}
        trainings.append(
            {
                condition: {unit.id: unit.answer == unit.truth for unit in units}
                for condition, units in conditions.items()
            }
        )
        clusters |= cluster_of(seed, by_fold=by_fold)
    return Robustness(
        row=row,
        trainings=tuple(trainings),
        clusters=clusters,
        by_fold=by_fold,
        keys=tuple(run.spec.key for seed, runs in both for run in (*seed.runs, *runs)),
    )


def spared(
    without: Robustness, with_part: Robustness, conditions: Sequence[str] = CLAIMED
) -> Estimate | None:
    """By how much less the second falls under these conditions, a share; both have the same trainings."""
    trainings = [
        {unit: _fall(before, unit, conditions) - _fall(after, unit, conditions) for unit in after[AS_IT_IS]}
        for before, after in zip(without.trainings, with_part.trainings, strict=True)
    ]
    return mean_over_units(trainings, with_part.clusters, by_fold=with_part.by_fold)


def _fall(right: Mapping[str, Mapping[str, bool]], unit: str, conditions: Sequence[str]) -> float:
    """A unit's answer as it is less the mean of its answers under the conditions, -1 to 1."""
    return right[AS_IT_IS][unit] - fmean(right[condition][unit] for condition in conditions)


def compared(study: Outcomes, protocol: str, *, part: str) -> Iterator[tuple[Robustness, Robustness]]:
    """(without, with) of every pair of arms that `part` alone tells apart, over the seeds of both checks."""
    for without, with_it in twins(study.under(protocol), part):
        before, after = _both(study, without), _both(study, with_it)
        shared = sorted(before.keys() & after.keys())
        if shared:
            yield (
                _measured(without, [before[seed] for seed in shared]),
                _measured(with_it, [after[seed] for seed in shared]),
            )


def robustness_table(study: Outcomes) -> Table | None:
    """Accuracy under each kind of change, the mean of its strengths; None where nothing was checked."""
    found = [each for row in study.rows if row.seeds and (each := robustness(study, row))]
    if not found:
        return None
    return Table(
        id=f"robustness-{study.study.name}",
        title="Accuracy on changed test images, the mean of three strengths, in %",
        header=(
            "Network",
            "Protocol",
            "As they are",
            *map(str.capitalize, CORRUPTIONS),
            "All",
            "Change",
            *SEEN,
        ),
        rows=tuple(map(_row, found)),
        notes=(
            f"Strengths: {'; '.join(_sizes())}. The networks were trained on none of these.",
            *_cbam_notes(study),
            SEEN_NOTE,
        ),
    )


def _row(found: Robustness) -> tuple[Cell, ...]:
    def cell(number: float, show: Callable[[float], str] = percent) -> Cell:
        return Cell(text=show(number), value=100 * number, run_keys=found.keys)

    kinds = [found.accuracy(*(f"{kind} {s}" for s in STRENGTHS)) for kind in CORRUPTIONS]
    whole = found.accuracy(AS_IT_IS)
    return (
        label(found.row.name),
        label(found.row.protocol),
        cell(whole),
        *map(cell, kinds),
        cell(fmean(kinds)),
        cell(fmean(kinds) - whole, lambda fall: points(100 * fall)),
        *seen(found.row),
    )


def _sizes() -> Iterator[str]:
    units = {
        "rotation": "°",
        "blur": " of the side as standard deviation",
        "noise": " as standard deviation, of 1",
        "brightness": " of the light",
        "contrast": " of the contrast",
        "occlusion": " of the side covered by a grey square",
    }
    for kind, sizes in CORRUPTIONS.items():
        yield f"{kind} {', '.join(f'{size:g}' for size in sizes)}{units[kind]}"


def _cbam_notes(study: Outcomes) -> Iterator[str]:
    for protocol in study.study.protocols:
        pairs = [
            f"{_named(after)} over {_named(before)} {_in_words(spared(before, after))}"
            for before, after in compared(study, protocol, part="cbam")
        ]
        if pairs:
            yield (
                f"What CBAM spares under {protocol}, in points less of fall under rotation, brightness and "
                f"contrast: {', '.join(pairs)}."
            )


def _named(found: Robustness) -> str:
    return marked(found.row.arm.name, found.row.collapse)


def _in_words(gain: Estimate | None) -> str:
    return f"{points(100 * gain.value)} [{span(gain)}]" if gain else NOTHING


def robustness_figure(study: Outcomes, protocol: str, *, out: Path) -> Figure | None:
    """Accuracy by strength, a panel a kind of change, a line a network; None where nothing was checked."""
    found = [each for row in study.under(protocol) if row.seeds and (each := robustness(study, row))]
    if not found:
        return None
    figure, axes = grid_of(len(CORRUPTIONS), columns=3, height=2.0)
    for place, kind in zip(axes, CORRUPTIONS, strict=True):
        for line, each in enumerate(found):
            conditions = (AS_IT_IS, *(f"{kind} {strength}" for strength in STRENGTHS))
            shares = [100 * each.accuracy(condition) for condition in conditions]
            place.plot(
                range(len(shares)),
                shares,
                ls=("-", "--")[line // 10 % 2],
                marker=".",
                lw=1,
                label=legible(each.row.name),
            )
        place.set_title(kind, fontsize=SMALL + 1)
        place.set_xticks(range(1 + len(STRENGTHS)), ("as it is", *map(str, STRENGTHS)), fontsize=SMALL - 1)
        place.set_ylabel("accuracy, %", fontsize=SMALL)
        place.set_ylim(0, 102)
        place.tick_params(labelsize=SMALL - 1)
        place.grid(alpha=0.3, linewidth=0.5)
    legend(figure, axes[0])
    file = file_name(study.study.name, f"robustness-{protocol}")
    save(figure, out / file)
    leak = found[0].row.leakage
    assert leak is not None
    return Figure(
        id=f"robustness-{study.study.name}-{protocol}",
        title=f"Accuracy by strength of change under {protocol}",
        file=file,
        alt=f"Accuracy by strength of six kinds of change of {', '.join(e.row.arm.name for e in found)}",
        notes=(f"Under {protocol}, {seen_in_words(leak)}.",),
    )
