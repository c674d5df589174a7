"""What the runs measure for the claims about a network's behavior, for which the paper prints no number.

Convergence, gradients, rare classes, robustness and latency. Every pair of networks that can test a claim is
measured; studies that share the same runs count once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, geometric_mean
from typing import TypeVar

from architectures.catalogue import PROPOSED
from reports.checked import twins
from reports.claims.measures import build_quantity, on_paper_sets, select_row, select_study
from reports.claims.rules import (
    ClaimResult,
    Limited,
    Measurement,
    Quantity,
    Signs,
    not_testable,
    undecidable,
)
from reports.convergence import Convergence, convergence
from reports.differences import span
from reports.gradients import SKIPS, ratio
from reports.imbalance import Losses, losses
from reports.latency import VIDEO, latencies, percentiles
from reports.lists import few
from reports.numbers import points
from reports.outcomes import Outcome, Outcomes
from reports.pairing import Training, pair_up
from reports.robustness import Robustness, compared, spared
from studies.paper import IMAGE_SIZE, PAPER
from studies.statistics.verdicts import Estimate

Value = TypeVar("Value")

Pace = tuple[float, float]
"""Mean epochs to convergence and mean roughness over the folds of a training."""


def measure_convergence(studies: Sequence[Outcomes], protocol: str) -> Measurement[Signs] | ClaimResult:
    """Compare each training's validation curve with those of VGG16 and AlexNet, on each of the paper's sets.

    A training supports the claim if the proposed network is both faster and smoother than both.
    """
    names = (PROPOSED, "vgg16", "alexnet")
    found = [select_study(studies, dataset, protocol, arms=names) for dataset in PAPER]
    there = [study for study in found if isinstance(study, Outcomes)]
    if not there:
        return not_testable(f"no study of the three networks under {protocol}")
    rows = {
        study.study.dataset.name: [select_row(study, name, protocol) for name in names] for study in there
    }
    texts = [f"{_title(dataset)}: {', '.join(map(_pace, own))}" for dataset, own in rows.items()]
    return Measurement(
        text="; ".join(texts),
        items=tuple(_convergence_signs(_title(dataset), own) for dataset, own in rows.items()),
        remark="trainings in which one of the three networks collapsed do not count",
    )


def _title(dataset: str) -> str:
    return PAPER[dataset].title


def _convergence_signs(name: str, rows: Sequence[Outcome]) -> Signs:
    collapsed = [row.arm.name for row in rows if row.collapsed_throughout]
    if collapsed:
        obstacle = (
            f"{', '.join(collapsed)} collapsed, and a network that learns nothing is level from the start"
        )
        return Signs(name=name, supports=(), obstacle=obstacle)
    own, *others = map(_curves, rows)
    shared = [training for training in own if all(training in each for each in others)]
    return Signs(
        name=name,
        supports=tuple(
            all(_is_faster_and_smoother(own[training], each[training]) for each in others)
            for training in shared
        ),
    )


def _curves(row: Outcome) -> dict[Training, Pace]:
    """Return the pace of each training that did not collapse."""
    return {
        seed.id: _mean_pace([convergence(run.history) for run in seed.runs])
        for seed in row.seeds
        if not seed.scores.collapsed
    }


def _mean_pace(found: Sequence[Convergence]) -> Pace:
    return fmean(each.epochs for each in found), fmean(each.roughness for each in found)


def _is_faster_and_smoother(own: Pace, other: Pace) -> bool:
    return own[0] < other[0] and own[1] < other[1]


def _pace(row: Outcome) -> str:
    epochs, roughness = _mean_pace([convergence(run.history) for run in row.runs])
    return f"{row.arm.name} {epochs:.1f} epochs, roughness {100 * roughness:.1f}"


def measure_gradients(studies: Sequence[Outcomes], protocol: str) -> Measurement[Signs] | ClaimResult:
    """Compare the gradient that reaches the first block in every pair that differs in the skips only.

    A training supports the claim if less gradient reaches the first block than the last without skips, and
    more of it with skips. Folds are averaged as logarithms.
    """
    couples = _unique(
        ((*without.keys, *with_it.keys), (without, with_it))
        for study in on_paper_sets(studies)
        for without, with_it in twins(study.under(protocol), SKIPS)
    )
    found = [(couple, shared) for couple in couples if (shared := _shared_ratios(*couple))]
    if not found:
        return not_testable(
            f"no two networks that differ in the skip connections only have finished under {protocol}"
        )
    texts, items = [], []
    for (without, with_it), shared in found:
        before, after = (geometric_mean(values) for values in zip(*shared, strict=True))
        texts.append(f"{_over(with_it, without)} {after:.3g} with skips, {before:.3g} without")
        supports = tuple(high > low and low < 1 for low, high in shared)
        items.append(Signs(name=_over(with_it, without), supports=supports))
    return Measurement(text=f"gradient of the first block over the last: {few(texts)}", items=tuple(items))


def _over(after: Outcome, before: Outcome) -> str:
    return f"{after.arm.name} over {before.arm.name}"


def _shared_ratios(without: Outcome, with_it: Outcome) -> list[tuple[float, float]]:
    """Return (without, with skips) of each training in which every fold of both has a gradient ratio."""
    before, after = map(_ratios, (without, with_it))
    return [(value, after[training]) for training, value in before.items() if training in after]


def _ratios(row: Outcome) -> dict[Training, float]:
    ratios = {seed.id: [ratio(run) for run in seed.runs] for seed in row.seeds}
    return {
        training: geometric_mean([value for value in values if value])
        for training, values in ratios.items()
        if all(values)
    }


def _unique(keyed: Iterable[tuple[object, Value]]) -> list[Value]:
    """Return each value once: two studies can share the same runs."""
    found: dict[object, Value] = {}
    for key, value in keyed:
        found.setdefault(key, value)
    return list(found.values())


def measure_imbalance(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
    """Compare the recall of rare classes with either loss, in every study of the proposed network."""
    tested = _unique(
        (each.keys, (study, each))
        for study in on_paper_sets(studies)
        if (each := losses(study, protocol)) and each.row.arm.name == PROPOSED
    )
    found = [(study, each, gain) for study, each in tested if each.rare and (gain := each.gain(each.rare))]
    if not found:
        return not_testable(
            f"no cross-entropy run of the proposed network under {protocol} has a rare class in the test "
            "(--checks)"
        )
    texts, items = [], []
    for study, each, gain in found:
        rare = ", ".join(each.classes[number] for number in each.rare)
        texts.append(f"{_interval_text(gain)} of recall over {rare}")
        items.append(
            build_quantity(
                _title(study.study.dataset.name),
                gain,
                obstacle=_loss_obstacle(each, gain),
                margin=study.study.margin,
            )
        )
    return Measurement(text=few(texts), items=tuple(items))


def _loss_obstacle(tested: Losses, gain: Estimate) -> str:
    # A network that gives one rare class to every sample has all of its recall and has learned nothing.
    if tested.row.collapsed_throughout and gain.value >= 0:
        return "with the focal loss the network collapsed"
    return _obstacle(tested.row)


def _obstacle(*rows: Outcome) -> str:
    """Return why these networks allow no verdict, "" if nothing prevents one."""
    paired = pair_up(rows, "accuracy")
    return paired.obstacle if paired else ""


def measure_robustness(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
    """Compare the fall of accuracy under pose and illumination in every pair that differs in CBAM only."""
    pairs = _unique(
        ((*without.keys, *with_it.keys), (study, without, with_it))
        for study in on_paper_sets(studies)
        for without, with_it in compared(study, protocol, part="cbam")
    )
    if not pairs:
        return not_testable(
            f"no two networks that differ in CBAM only were checked under {protocol} "
            "(--checks with a controlled, leave-one-out or factorial design)"
        )
    learned = [pair for pair in pairs if not any(each.row.collapsed_throughout for each in pair[1:])]
    measured = [(pair, spared(pair[1], pair[2])) for pair in learned or pairs]
    text = few([f"{_fall_text(gain)} less fall, {_pair_name(*pair[1:])}" for pair, gain in measured])
    if not learned:
        reason = "in every pair a network collapsed, and one answer for every sample cannot fall"
        return undecidable(reason, measured=text)
    excluded = len(pairs) - len(learned)
    return Measurement(
        text=text,
        items=tuple(
            build_quantity(
                _pair_name(without, with_it),
                gain,
                obstacle=_obstacle(without.row, with_it.row),
                margin=study.study.margin,
            )
            for (study, without, with_it), gain in measured
        ),
        remark=f"{excluded} of {len(pairs)} pairs are left out: a network collapsed" if excluded else "",
    )


def _pair_name(without: Robustness, with_it: Robustness) -> str:
    return _over(with_it.row, without.row)


def _fall_text(gain: Estimate | None) -> str:
    return _interval_text(gain) if gain else "unknown"


def _interval_text(gain: Estimate) -> str:
    return f"{points(100 * gain.value)} points [{span(gain)}]"


def measure_latency(studies: Sequence[Outcomes], protocol: str) -> Measurement[Limited] | ClaimResult:
    """Compare the 95th percentile of the time for one image, face detection included, with video's pace."""
    found = [run for study in on_paper_sets(studies) for name, run in latencies(study) if name == PROPOSED]
    if not found:
        return not_testable("no latency of the proposed network was measured (--checks)")
    run = max(found, key=lambda run: (run.spec.architecture.width, run.spec.dataset.image_size))
    alone, both = percentiles(run, "network"), percentiles(run, "face", "network")
    text = (
        f"p50, p95, p99 {', '.join(f'{ms:.1f}' for ms in both)} ms with the face, "
        f"{', '.join(f'{ms:.1f}' for ms in alone)} ms without"
    )
    size, width = run.spec.dataset.image_size, run.spec.architecture.width
    if (size, width) != (IMAGE_SIZE, 1):
        return not_testable(f"not the paper's network: {size} px and width {width:g}", measured=text)
    name = f"p95 with the face on {run.environment.device}"
    item = Limited(name=name, value=both[1], limit=1000 / VIDEO, unit="ms")
    return Measurement(
        text=text, items=(item,), remark=f"the limit is the pace of video, {VIDEO} images a second"
    )
