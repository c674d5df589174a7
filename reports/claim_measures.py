"""The paper's claims beside accuracy: convergence, gradients, imbalance, robustness, real time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, geometric_mean

from architectures.catalogue import PROPOSED
from reports.checked import twins
from reports.convergence import Convergence, convergence
from reports.differences import span
from reports.findings import Finding, by_interval, not_here, on_papers_sets, study_with
from reports.gradients import SKIPS, ratio
from reports.imbalance import losses
from reports.latency import VIDEO, latencies, percentiles
from reports.numbers import points
from reports.outcomes import Outcome, Outcomes
from reports.robustness import compared, spared
from studies.clusters import Interval
from studies.paper import IMAGE_SIZE, PAPER
from studies.results import RunResult

LEAST_RUNS = 3
"""Fewest pairs of runs, each with a seed or a fold of its own, that decide what has no interval."""


def converges(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """Faster and smoother than VGG16 and AlexNet, in every pair of runs."""
    names = (PROPOSED, "vgg16", "alexnet")
    found = [study_with(studies, dataset, protocol, arms=names) for dataset in PAPER]
    study = next((each for each in found if isinstance(each, Outcomes)), None)
    if study is None:
        return not_here(f"no study of the three networks under {protocol}")
    ours, *others = (
        [convergence(run.history) for seed in row.seeds for run in seed.runs]
        for name in names
        for row in study.of(name)
        if row.protocol == protocol
    )
    told = "; ".join(_pace(name, each) for name, each in zip(names, (ours, *others), strict=True))
    faster = [
        own.epochs < other.epochs and own.roughness < other.roughness
        for each in others
        for own, other in zip(ours, each, strict=False)
    ]
    return _by_pairs(told, faster, runs=len(ours), what="faster and smoother")


def _pace(name: str, found: Sequence[Convergence]) -> str:
    epochs, roughness = fmean(each.epochs for each in found), fmean(each.roughness for each in found)
    return f"{name} {epochs:.1f} epochs, roughness {100 * roughness:.1f}"


def _by_pairs(ours: str, held: Sequence[bool], *, runs: int, what: str) -> Finding:
    """A claim that every pair of runs should bear out, if there are enough."""
    if runs < LEAST_RUNS:
        return Finding(ours=ours, word="undecidable at this n", why=f"fewer than {LEAST_RUNS} runs of each")
    why = f"{what} in {sum(held)} of {len(held)} pairs of runs"
    if all(held):
        return Finding(ours=ours, word="reproduced", why=why)
    return Finding(ours=ours, word="undecidable at this n" if any(held) else "not reproduced", why=why)


def gradients(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """More of the gradient reaches the first block with skips than without, where less than all does."""
    pair = next(
        (
            pair
            for study in on_papers_sets(studies)
            for pair in twins(study.under(protocol), SKIPS)
            if all(any(map(ratio, _runs(row))) for row in pair)
        ),
        None,
    )
    if pair is None:
        return not_here(f"no two networks that the skips alone tell apart have finished under {protocol}")
    without, with_skips = ({_place(run): ratio(run) for run in _runs(row)} for row in pair)
    both = [
        (before, after) for place, before in without.items() if before and (after := with_skips.get(place))
    ]
    ours = (
        f"first over last block {_mean(after for _, after in both)} with, {_mean(b for b, _ in both)} without"
    )
    held = [after > before and before < 1 for before, after in both]
    return _by_pairs(ours, held, runs=len(both), what="below 1 without skips and nearer to it with them")


def _runs(row: Outcome) -> list[RunResult]:
    return [run for seed in row.seeds for run in seed.runs]


def _place(run: RunResult) -> tuple[int, int]:
    return run.spec.seed, run.spec.fold


def _mean(values: Iterable[float]) -> str:
    return f"{geometric_mean(values):.3g}"


def imbalance(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """The focal loss has a higher recall of the rare classes than cross-entropy."""
    for study in on_papers_sets(studies):
        found = losses(study, protocol)
        gain = found.gain(found.rare) if found else None
        if found and gain:
            rare = ", ".join(found.classes[c] for c in found.rare)
            return by_interval(gain, f"{_points(gain)} of recall over {rare}")
    return not_here(f"no cross-entropy run beside the proposed network under {protocol} (--checks)")


def robust(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """CBAM lessens the fall of accuracy under rotation, brightness and contrast."""
    for study in on_papers_sets(studies):
        for without, with_cbam in compared(study, protocol, part="cbam"):
            gain = spared(without, with_cbam)
            return by_interval(
                gain, f"{_points(gain)} less of fall, {with_cbam.row.arm.name} over {without.row.arm.name}"
            )
    return not_here(
        f"no two networks that CBAM alone tells apart were checked under {protocol} "
        "(--checks with a controlled, leave-one-out or factorial design)"
    )


def _points(gain: Interval) -> str:
    return f"{points(100 * gain.estimate)} points [{span(gain)}]"


def real_time(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """95 of 100 pictures are answered, face and all, in the time that ordinary video leaves."""
    found = [run for study in on_papers_sets(studies) for name, run in latencies(study) if name == PROPOSED]
    if not found:
        return not_here("no latency of the proposed network was measured (--checks)")
    run = max(found, key=lambda run: (run.spec.architecture.width, run.spec.dataset.image_size))
    alone, whole = percentiles(run, "network"), percentiles(run, "face", "network")
    ours = (
        f"p50, p95, p99 {', '.join(f'{ms:.1f}' for ms in whole)} ms with the face, "
        f"{', '.join(f'{ms:.1f}' for ms in alone)} ms without"
    )
    size, width = run.spec.dataset.image_size, run.spec.architecture.width
    if (size, width) != (IMAGE_SIZE, 1):
        return not_here(f"not the paper's network: {size} px and width {width:g}", ours=ours)
    why = f"p95 with the face against {1000 / VIDEO:.1f} ms a picture of video, on {run.environment.device}"
    return Finding(ours=ours, word="reproduced" if whole[1] <= 1000 / VIDEO else "not reproduced", why=why)
