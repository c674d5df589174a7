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
from reports.outcomes import Outcome, Outcomes, training_id
from reports.robustness import compared, spared
from studies.paper import IMAGE_SIZE, PAPER
from studies.results import RunResult
from studies.statistics.verdicts import Estimate

LEAST_RUNS = 3
"""Fewest pairs of runs, each with a seed or a fold of its own, that decide what has no interval."""


def converges(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """Faster and smoother than VGG16 and AlexNet, in every pair of runs."""
    names = (PROPOSED, "vgg16", "alexnet")
    found = [study_with(studies, dataset, protocol, arms=names) for dataset in PAPER]
    study = next((each for each in found if isinstance(each, Outcomes)), None)
    if study is None:
        return not_here(f"no study of the three networks under {protocol}")
    rows = [row for name in names for row in study.of(name) if row.protocol == protocol]
    told = "; ".join(map(_pace, rows))
    fallen = [row.arm.name for row in rows if row.collapsed_throughout]
    if fallen:
        why = f"{', '.join(fallen)} collapsed, and what learns nothing is level from the first epoch"
        return Finding(ours=told, word="undecidable at this n", why=why)
    ours, *others = map(_curves, rows)
    pairs = [[(own, each[place]) for place, own in ours.items() if place in each] for each in others]
    faster = [
        own.epochs < other.epochs and own.roughness < other.roughness for each in pairs for own, other in each
    ]
    return _by_pairs(told, faster, runs=min(map(len, pairs)), what="faster and smoother")


def _curves(row: Outcome) -> dict[tuple[int, int, int], Convergence]:
    """By seed and fold; a seed that collapsed has converged to nothing."""
    kept = [run for seed in row.seeds if not seed.scores.collapsed for run in seed.runs]
    return {_place(run): convergence(run.history) for run in kept}


def _pace(row: Outcome) -> str:
    found = [convergence(run.history) for run in row.runs]
    epochs, roughness = fmean(each.epochs for each in found), fmean(each.roughness for each in found)
    return f"{row.arm.name} {epochs:.1f} epochs, roughness {100 * roughness:.1f}"


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
            if all(any(map(ratio, row.runs)) for row in pair)
        ),
        None,
    )
    if pair is None:
        return not_here(f"no two networks that the skips alone tell apart have finished under {protocol}")
    without, with_skips = ({_place(run): ratio(run) for run in row.runs} for row in pair)
    both = [
        (before, after) for place, before in without.items() if before and (after := with_skips.get(place))
    ]
    ours = (
        f"first over last block {_mean(after for _, after in both)} with, {_mean(b for b, _ in both)} without"
    )
    held = [after > before and before < 1 for before, after in both]
    return _by_pairs(ours, held, runs=len(both), what="below 1 without skips and higher with them")


def _place(run: RunResult) -> tuple[int, int, int]:
    return *training_id(run.spec), run.spec.fold


def _mean(values: Iterable[float]) -> str:
    return f"{geometric_mean(values):.3g}"


def imbalance(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """The focal loss has a higher recall of the rare classes than cross-entropy."""
    for study in on_papers_sets(studies):
        found = losses(study, protocol)
        if found is None or found.row.arm.name != PROPOSED:
            continue
        gain = found.gain(found.rare)
        if gain is None:
            continue
        ours = f"{_points(gain)} of recall over {', '.join(found.classes[c] for c in found.rare)}"
        # One rare class for an answer is all of its recall, and nothing learned.
        if found.row.collapsed_throughout and gain.value >= 0:
            why = "with the focal loss the network collapsed"
            return Finding(ours=ours, word="undecidable at this n", why=why)
        return by_interval(gain, ours)
    return not_here(
        f"no cross-entropy run beside the proposed network under {protocol} with a rare class in the test "
        "(--checks)"
    )


def robust(studies: Sequence[Outcomes], protocol: str) -> Finding:
    """CBAM lessens the fall of accuracy under rotation, brightness and contrast."""
    found = [pair for study in on_papers_sets(studies) for pair in compared(study, protocol, part="cbam")]
    if not found:
        return not_here(
            f"no two networks that CBAM alone tells apart were checked under {protocol} "
            "(--checks with a controlled, leave-one-out or factorial design)"
        )
    learned = [pair for pair in found if not any(each.row.collapsed_throughout for each in pair)]
    without, with_cbam = (learned or found)[0]
    gain = spared(without, with_cbam)
    if gain is None:
        return not_here("the test has fewer than two subjects")
    ours = f"{_points(gain)} less of fall, {with_cbam.row.arm.name} over {without.row.arm.name}"
    if not learned:
        why = "one of the two collapsed, and one answer for every sample cannot fall"
        return Finding(ours=ours, word="undecidable at this n", why=why)
    return by_interval(gain, ours)


def _points(gain: Estimate) -> str:
    return f"{points(100 * gain.value)} points [{span(gain)}]"


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
