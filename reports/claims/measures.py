"""What the runs measure for the claims about scores, sizes and costs.

A measure takes the studies of a report and a protocol. It returns a measurement for a rule to judge, or a
result with the reason why no rule can judge it. Claims about data are measured on the paper's data sets only,
and claims about accuracy in accuracy, whatever metric the study chose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from architectures.catalogue import COMPARISON, PROPOSED, architecture
from reports.beside import departures
from reports.claims.rules import ClaimResult, Measurement, Quantity, not_testable
from reports.differences import Difference, differences, judge
from reports.numbers import count, percent, percent_or_unknown, points
from reports.outcomes import Outcome, Outcomes
from reports.pairing import pair_up
from studies.arms import ablation
from studies.cost import block_costs
from studies.paper import ABLATION, ABLATION_GAINS, IMAGE_SIZE, PAPER
from studies.spec import Metric
from studies.statistics.verdicts import Estimate, decide

ScoreMeasure = Callable[[Sequence[Outcomes], str], Measurement[Quantity] | ClaimResult]

PARAMETERS = {(PROPOSED, 6): 2_372_327, ("vgg16", 6): 134_285_126, ("vgg16", 1000): 138_357_544}
"""Number of parameters by network and number of classes; a test compares them with the built networks.

Building the networks here would load torch for every report.
"""

CONTROLLED = (
    "judged on the controlled ladder, which has batch norm and the GAP head in every rung; in the paper's "
    "ladder they enter together with the skip connections"
)


def on_paper_sets(studies: Sequence[Outcomes]) -> list[Outcomes]:
    """Return the studies on the paper's data sets."""
    return [study for study in studies if study.study.dataset.name in PAPER]


def select_study(
    studies: Sequence[Outcomes], dataset: str, protocol: str, *, arms: Sequence[str]
) -> Outcomes | ClaimResult:
    """Return the study on `dataset` in which all `arms` share a finished training, or why there is none.

    Of several studies it is the one whose settings are nearest the paper's, then the one with the most shared
    trainings.
    """
    candidates = [study for study in studies if study.study.dataset.name == dataset]
    finished = [study for study in candidates if _count_shared(study, protocol, arms)]
    if finished:
        return min(
            finished,
            key=lambda study: (len(departures(study.study)), -_count_shared(study, protocol, arms)),
        )
    if candidates:
        return not_testable(f"not all of its networks have finished under {protocol}")
    return not_testable(f"no study on {dataset} under {protocol}")


def _count_shared(study: Outcomes, protocol: str, arms: Sequence[str]) -> int:
    rows = [row for row in study.under(protocol) if row.arm.name in arms]
    trainings = [{seed.id for seed in row.seeds} for row in rows]
    return len(set.intersection(*trainings)) if len(rows) == len(arms) else 0


def measure_scores(dataset: str) -> ScoreMeasure:
    """Return the measure of the proposed network's accuracy and F1 beside the printed ones."""

    def measure(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
        study = select_study(studies, dataset, protocol, arms=(PROPOSED,))
        if isinstance(study, ClaimResult):
            return study
        row = select_row(study, PROPOSED, protocol)
        printed = PAPER[dataset].scores[PROPOSED]
        accuracy = _score(row, "accuracy", printed=float(printed.accuracy) / 100)
        f1 = _score(row, "uf1", printed=float(printed.f1) / 100)
        leakage = row.leakage
        assert leakage is not None
        clip, subject = map(percent_or_unknown, (leakage.clip, leakage.subject))
        text = (
            f"accuracy {_score_text(row, accuracy, 'accuracy')}, F1 {_score_text(row, f1, 'uf1')} "
            f"(clip seen {clip}, subject seen {subject})"
        )
        if protocol != "frame":
            return not_testable("the paper's number is for its own split", measured=text)
        unlike = departures(study.study)
        if unlike:
            return not_testable(f"not the paper's settings: {'; '.join(unlike)}", measured=text)
        return Measurement(text=text, items=(accuracy, f1))

    return measure


def select_row(study: Outcomes, name: str, protocol: str) -> Outcome:
    """Return the outcome of the arm of that name under the protocol."""
    (row,) = (row for row in study.of(name) if row.protocol == protocol)
    return row


def _score(row: Outcome, metric: Metric, *, printed: float) -> Quantity:
    paired = pair_up((row,), metric)
    assert paired is not None
    estimate = None if paired.obstacle else paired.estimate({row.arm.name: 1.0})
    name = "F1" if metric == "uf1" else metric
    return build_quantity(name, estimate, obstacle=paired.obstacle, printed=printed)


def build_quantity(
    name: str, estimate: Estimate | None, *, obstacle: str, margin: float = 0.0, printed: float | None = None
) -> Quantity:
    """Return the quantity with its verdict; a margin of 0 is for scores, which no claim compares with 0."""
    obstacle = obstacle or ("" if estimate else "the test has a single subject")
    verdict = decide(estimate, margin=margin, obstacle=obstacle)
    return Quantity(name=name, estimate=estimate, verdict=verdict, printed=printed)


def _score_text(row: Outcome, quantity: Quantity, metric: Metric) -> str:
    value = fmean(getattr(seed.scores, metric) for seed in row.seeds)
    found = quantity.estimate
    if quantity.verdict.word == "no verdict" or found is None or found.low is None or found.high is None:
        return f"{percent(value)} %"
    return f"{percent(value)} % [{percent(max(0.0, found.low))} to {percent(min(1.0, found.high))}]"


def measure_comparison(dataset: str) -> ScoreMeasure:
    """Return the measure of the proposed network's accuracy over each of the six other networks."""
    names = tuple(arm.name for arm in COMPARISON)

    def measure(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
        comparisons = [study for study in studies if study.study.kind == "comparison"]
        study = select_study(comparisons, dataset, protocol, arms=names)
        if isinstance(study, ClaimResult):
            return study
        return _steps([each for each in _differences(study, protocol) if each.before.arm.name in names])

    return measure


def _differences(study: Outcomes, protocol: str) -> tuple[Difference, ...]:
    """Return the study's family of comparisons in accuracy."""
    if study.study.metric == "accuracy":
        return differences(study, protocol)
    spec = replace(study.study, metric="accuracy")
    return differences(replace(study, result=replace(study.result, study=spec)), protocol)


def _steps(found: Sequence[Difference]) -> Measurement[Quantity]:
    ordered = sorted(found, key=lambda each: each.value)
    least, most = (
        f"{word} {points(100 * each.value)} over {each.before.arm.name}"
        for word, each in (("least", ordered[0]), ("most", ordered[-1]))
    )
    return Measurement(text=f"{least}; {most}", items=tuple(map(_compared, found)))


def _compared(found: Difference, *, printed: float | None = None) -> Quantity:
    name = f"{found.after.arm.name} over {found.before.arm.name}"
    return Quantity(name=name, estimate=found.estimate, verdict=found.verdict, printed=printed)


def measure_size(studies: Sequence[Outcomes], protocol: str) -> Measurement[str]:
    """Count the proposed network's parameters in MiB and as a share of VGG16's; the paper writes MB."""
    own, vgg = PARAMETERS[PROPOSED, 6], PARAMETERS["vgg16", 6]
    size, share = f"{own * 4 / 2**20:.2f}", percent(own / vgg)
    return Measurement(text=f"{size} MiB, {share} %", items=(f"{size} MB, {share} %",))


def measure_vgg_size(studies: Sequence[Outcomes], protocol: str) -> Measurement[str]:
    """Count VGG16's parameters at 1000 classes, rounded as the paper does."""
    number = PARAMETERS["vgg16", 1000]
    return Measurement(text=count(number), items=(f"{number / 1e8:.2f} × 10^8",))


def measure_block_cost(studies: Sequence[Outcomes], protocol: str) -> Measurement[str]:
    """Count the multiplications of the first block by the paper's equations."""
    first = [cost for cost in block_costs(architecture("vgg16").stages, IMAGE_SIZE) if cost.name[0] == "1"]
    standard, separable = sum(cost.standard for cost in first), sum(cost.separable for cost in first)
    text = f"{count(standard)} → {count(separable)}, {percent(1 - separable / standard)} % saved"
    return Measurement(text=text, items=(text,), remark="by the paper's equations (1) and (2), see P1")


def measure_ladder(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
    """Compare the accuracy of each rung of the paper's ladder with that of the rung before."""
    found = _ladder(studies, "ladder", protocol)
    return found if isinstance(found, ClaimResult) else _steps(found)


def _ladder(studies: Sequence[Outcomes], design: str, protocol: str) -> tuple[Difference, ...] | ClaimResult:
    """Return the steps of a ladder in the paper's order, without those of the user's own networks."""
    study = _ladder_study(studies, design, protocol)
    if isinstance(study, ClaimResult):
        return study
    rungs = [arm.name for arm in ablation(design)]
    return tuple(each for each in _differences(study, protocol) if each.after.arm.name in rungs)


def _ladder_study(studies: Sequence[Outcomes], design: str, protocol: str) -> Outcomes | ClaimResult:
    rungs = [arm.name for arm in ablation(design)]
    # Networks of the user's own and the null arm come after the rungs.
    designed = [
        study
        for study in studies
        if study.study.design == design and [arm.name for arm in study.study.arms[: len(rungs)]] == rungs
    ]
    study = select_study(designed, ABLATION, protocol, arms=rungs)
    return not_testable(f"{study.reason}, design {design}") if isinstance(study, ClaimResult) else study


def measure_gain(part: str, *, rung: int) -> ScoreMeasure:
    """Return the measure of what a part of the block adds to the accuracy of the controlled ladder."""

    def measure(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
        found = _ladder(studies, "controlled", protocol)
        if isinstance(found, ClaimResult):
            return found
        item = _compared(found[rung], printed=float(ABLATION_GAINS[part]) / 100)
        text = f"{found[rung].text} points (controlled ladder)"
        return Measurement(text=text, items=(item,), remark=CONTROLLED)

    return measure


def measure_separable(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
    """Measure what separable convolutions save on the paper's ladder, and what they change in accuracy."""
    found = _ladder(studies, "ladder", protocol)
    if isinstance(found, ClaimResult):
        return found
    step = found[2]
    before, after = step.before.first, step.after.first
    assert before is not None
    assert after is not None
    saved = 1 - after.cost.multiply_adds / before.cost.multiply_adds
    text = f"{percent(saved)} % of the multiply-adds saved, {step.text} points of accuracy"
    if saved <= 0:
        return ClaimResult(measured=text, verdict="not reproduced", reason="they save no multiply-adds")
    return Measurement(text=text, items=(_compared(step),))


def measure_prelu(studies: Sequence[Outcomes], protocol: str) -> Measurement[Quantity] | ClaimResult:
    """Compare the accuracy of the paper's last rung, with PReLU, with that of each rung before."""
    study = _ladder_study(studies, "ladder", protocol)
    if isinstance(study, ClaimResult):
        return study
    *others, last = (select_row(study, arm.name, protocol) for arm in ablation("ladder"))
    couples = [(other, last) for other in others]
    return _steps(judge(couples, metric="accuracy", margin=study.study.margin))
