"""How each of the paper's claims is judged by what has been run.

Claims about data are judged on the paper's own sets alone. A claim that needs a difference is judged by the
verdicts of `reports.differences`; one that gives a gain, by whether its interval holds that gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from architectures.catalogue import COMPARISON, PROPOSED, architecture
from architectures.size import parameters
from reports import claim_measures
from reports.beside import departures
from reports.differences import Difference, differences, judge
from reports.findings import Check, Finding, not_here, study_with
from reports.numbers import count, percent, percent_or_unknown, points
from reports.outcomes import Outcome, Outcomes
from studies.arms import ablation
from studies.claims import CLAIMS, Word
from studies.cost import block_costs
from studies.intervals import wilson
from studies.paper import ABLATION, ABLATION_GAINS, IMAGE_SIZE, PAPER


def _accuracy(dataset: str) -> Check:
    def check(studies: Sequence[Outcomes], protocol: str) -> Finding:
        study = study_with(studies, dataset, protocol, arms=(PROPOSED,))
        if isinstance(study, Finding):
            return study
        (row,) = (row for row in study.of(PROPOSED) if row.protocol == protocol)
        assert row.leakage is not None
        ours = ", ".join(f"{percent(value)} %" for value in _means(row))
        clip, subject = map(percent_or_unknown, (row.leakage.clip, row.leakage.subject))
        ours += f" (clip seen {clip}, subject seen {subject})"
        if protocol != "frame":
            return Finding(ours=ours, word="not testable here", why="the paper's figure is for its own split")
        unlike = departures(study.study)
        if unlike:
            return Finding(ours=ours, word="not testable here", why=f"not its settings: {'; '.join(unlike)}")
        printed = PAPER[dataset]
        total = sum(each.counts.tp + each.counts.fn for each in printed.per_class)
        theirs = wilson(round(float(printed.scores[PROPOSED].accuracy) / 100 * total), total)
        own = wilson(round(fmean(seed.scores.correct for seed in row.seeds)), row.seeds[0].scores.n)
        return Finding(ours=ours, word=_overlap(own, theirs))

    return check


def _means(row: Outcome) -> tuple[float, float]:
    return (
        fmean(seed.scores.accuracy for seed in row.seeds),
        fmean(seed.scores.f1 for seed in row.seeds),
    )


def _overlap(own: tuple[float, float], theirs: tuple[float, float]) -> Word:
    """Apart: not reproduced. Each other's middle within: reproduced. Else the tests are too small."""
    if own[1] < theirs[0] or theirs[1] < own[0]:
        return "not reproduced"
    middles = (sum(own) / 2, sum(theirs) / 2)
    within = theirs[0] <= middles[0] <= theirs[1] and own[0] <= middles[1] <= own[1]
    return "reproduced" if within else "undecidable at this n"


def _best(dataset: str) -> Check:
    names = tuple(arm.name for arm in COMPARISON)

    def check(studies: Sequence[Outcomes], protocol: str) -> Finding:
        compared = [study for study in studies if study.study.kind == "comparison"]
        study = study_with(compared, dataset, protocol, arms=names)
        if isinstance(study, Finding):
            return study
        return _all_better([d for d in differences(study, protocol) if d.before.arm.name in names])

    return check


def _all_better(found: Sequence[Difference]) -> Finding:
    """Reproduced if every step is better, not if one is worse."""
    words = [each.verdict.word for each in found]
    ordered = sorted(found, key=lambda each: each.value)
    steps = "; ".join(
        f"{what} {points(100 * each.value)} over {each.before.arm.name}"
        for what, each in (("least", ordered[0]), ("most", ordered[-1]))
    )
    word: Word = "undecidable at this n"
    if "worse" in words:
        word = "not reproduced"
    elif set(words) == {"better"}:
        word = "reproduced"
    return Finding(ours=steps, word=word, why=f"{words.count('better')} of {len(words)} steps are better")


def _size(studies: Sequence[Outcomes], protocol: str) -> Finding:
    own, vgg = (parameters(architecture(name)) for name in (PROPOSED, "vgg16"))
    ours = f"{own * 4 / 2**20:.2f} MiB, {percent(own / vgg)} %"
    same = ours.replace("MiB", "MB") == _printed("size")
    return Finding(ours=ours, word="reproduced" if same else "not reproduced")


def _printed(claim: str) -> str:
    return next(each.paper for each in CLAIMS if each.id == claim)


def _vgg(studies: Sequence[Outcomes], protocol: str) -> Finding:
    found = parameters(architecture("vgg16"), classes=1000)
    same = f"{found / 1e8:.2f}" == "1.38"
    return Finding(ours=count(found), word="reproduced" if same else "not reproduced")


def _block(studies: Sequence[Outcomes], protocol: str) -> Finding:
    first = [cost for cost in block_costs(architecture("vgg16").stages, IMAGE_SIZE) if cost.name[0] == "1"]
    standard, separable = sum(c.standard for c in first), sum(c.separable for c in first)
    ours = f"{count(standard)} → {count(separable)}, {percent(1 - separable / standard)} % saved"
    word: Word = "reproduced" if ours == _printed("cost-block1") else "not reproduced"
    return Finding(ours=ours, word=word, why="by the paper's equations (1) and (2), see P1")


def _ladder(studies: Sequence[Outcomes], protocol: str) -> Finding:
    study = _designed(studies, "ladder", protocol)
    return study if isinstance(study, Finding) else _all_better(differences(study, protocol))


def _designed(studies: Sequence[Outcomes], design: str, protocol: str) -> Outcomes | Finding:
    """The study of that design in the paper's order on the set of its ablation."""
    rungs = [arm.name for arm in ablation(design)]
    # Networks of the user's own come after the rungs.
    chosen = [
        s
        for s in studies
        if s.study.design == design and [arm.name for arm in s.study.arms[: len(rungs)]] == rungs
    ]
    study = study_with(chosen, ABLATION, protocol, arms=rungs)
    return study if isinstance(study, Outcomes) else not_here(f"{study.why}, design {design}")


def _gain(part: str, *, rung: int) -> Check:
    def check(studies: Sequence[Outcomes], protocol: str) -> Finding:
        study = _designed(studies, "controlled", protocol)
        if isinstance(study, Finding):
            return study
        step = differences(study, protocol)[rung]
        ours, printed = f"{step.text} points", float(ABLATION_GAINS[part]) / 100
        found = step.estimate
        if step.verdict.word == "both collapsed":
            return Finding(ours=ours, word="undecidable at this n", why="both networks collapsed")
        if step.verdict.word == "no verdict" or found is None or found.low is None or found.high is None:
            return Finding(ours=ours, word="undecidable at this n", why=step.verdict.reason)
        low, high = found.low, found.high
        if not low <= printed <= high:
            return Finding(ours=ours, word="not reproduced", why="the interval leaves the paper's gain out")
        if low > 0:
            return Finding(ours=ours, word="reproduced")
        return Finding(ours=ours, word="undecidable at this n", why="the interval holds the gain and 0")

    return check


def _separable(studies: Sequence[Outcomes], protocol: str) -> Finding:
    study = _designed(studies, "ladder", protocol)
    if isinstance(study, Finding):
        return study
    step = differences(study, protocol)[2]
    before, after = step.before.first, step.after.first
    assert before is not None
    assert after is not None
    saved = 1 - after.cost.multiply_adds / before.cost.multiply_adds
    ours = f"{percent(saved)} % of the multiply-adds, {points(100 * step.value)} points"
    words: dict[str, Word] = {
        "worse": "not reproduced",
        "inconclusive": "undecidable at this n",
        "no verdict": "undecidable at this n",
        "both collapsed": "undecidable at this n",
    }
    return Finding(ours=ours, word=words.get(step.verdict.word, "reproduced"))


def _prelu(studies: Sequence[Outcomes], protocol: str) -> Finding:
    study = _designed(studies, "ladder", protocol)
    if isinstance(study, Finding):
        return study
    *others, last = study.under(protocol)
    spec = study.study
    steps = judge([(other, last) for other in others], metric=spec.metric, margin=spec.margin)
    return _all_better(steps)


CHECKS: dict[str, Check] = {
    "acc-ckplus": _accuracy("ckplus"),
    "acc-casme2": _accuracy("casme2"),
    "best-ckplus": _best("ckplus"),
    "best-casme2": _best("casme2"),
    "size": _size,
    "cost-block1": _block,
    "ladder": _ladder,
    "cbam-gain": _gain("attention", rung=0),
    "residual-gain": _gain("residual", rung=1),
    "separable-free": _separable,
    "prelu-best": _prelu,
    "converges": claim_measures.converges,
    "real-time": claim_measures.real_time,
    "robust": claim_measures.robust,
    "gradients": claim_measures.gradients,
    "imbalance": claim_measures.imbalance,
    "size-vgg": _vgg,
}
