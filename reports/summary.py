"""What a report says, in words: the best, what the split is worth, what broke, what cannot be concluded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from reports.beside import departures
from reports.differences import in_words
from reports.numbers import percent
from reports.outcomes import Outcome, Outcomes
from reports.run_notes import headline_of
from studies.intervals import wilson

PROBE = "identity-probe"


def _accuracy(row: Outcome) -> float:
    return fmean(seed.scores.accuracy for seed in row.seeds)


def _by_frame(row: Outcome) -> float:
    return fmean(seed.by_frame.accuracy for seed in row.seeds)


def summary(study: Outcomes) -> tuple[str, ...]:
    """A study's findings and their limits, one text a point; the first says which study."""
    finished = [row for row in study.rows if row.seeds]
    left = sum(row.unrun for row in study.rows)
    failed = sum(len(row.failures) for row in study.rows)
    total = len(study.study.runs())
    state = "" if total == total - left - failed else f", {failed} failed, {left} not run"
    return (
        f"{headline_of(study.study)}: {total - left - failed} of {total} runs finished{state}.",
        *(text for protocol in study.study.protocols for text in _best(study, protocol)),
        *(text for protocol in study.study.protocols for text in in_words(study, protocol)),
        *_controls(study),
        *_inflation(study),
        *_collapsed(finished),
        *_limits(study, finished),
    )


def _best(study: Outcomes, protocol: str) -> Iterator[str]:
    rows = sorted((row for row in study.under(protocol) if row.seeds), key=_accuracy, reverse=True)
    if not rows:
        yield f"Under {protocol} nothing has finished."
        return
    first = rows[0]
    f1 = fmean(seed.scores.f1 for seed in first.seeds)
    seen = first.leakage
    assert seen is not None
    text = (
        f"Under {protocol} the most accurate is {first.name}: {percent(_accuracy(first))} % of "
        f"{first.seeds[0].scores.n} {first.unit}{_interval(first)}, F1 {percent(f1)} %; "
        f"{percent(seen.clip)} % of the test frames have their clip in training, {percent(seen.subject)} % "
        "their subject."
    )
    yield text + _constant(study, first) + (_lead(first, rows[1:]) if len(rows) > 1 else "")


def _constant(study: Outcomes, row: Outcome) -> str:
    """The accuracy of the commonest class, where the best network does not beat it."""
    counts = [c.tp + c.fn for c in row.seeds[0].scores.per_class]
    share = max(counts) / row.seeds[0].scores.n
    if _accuracy(row) > share:
        return ""
    return f" Always answering {study.classes[counts.index(max(counts))]} gives {percent(share)} %."


def _interval(row: Outcome) -> str:
    if len(row.seeds) > 1:
        return f" (mean of {len(row.seeds)} seeds)"
    low, high = wilson(row.seeds[0].scores.correct, row.seeds[0].scores.n)
    return f" (95 % interval {percent(low)} to {percent(high)})"


def _lead(first: Outcome, others: Sequence[Outcome]) -> str:
    second = others[0]
    lead = _accuracy(first) - _accuracy(second)
    if lead == 0:
        level = [row.name for row in others if _accuracy(row) == _accuracy(first)]
        return f" {', '.join(level)} {'is' if len(level) == 1 else 'are'} level with it."
    return f" Next is {second.name}, {percent(lead)} points behind."


def _controls(study: Outcomes) -> Iterator[str]:
    """Which arms are above every control under each protocol, and whether the subject can be read."""
    for protocol in study.study.protocols:
        own = [row for row in study.controls if row.protocol == protocol and row.seeds]
        floors = [row for row in own if row.control != PROBE]
        if not floors:
            continue
        best = max(floors, key=_accuracy)
        below = [
            row.arm.name for row in study.under(protocol) if row.seeds and _accuracy(row) <= _accuracy(best)
        ]
        text = f"Under {protocol} the highest control is {best.control}, {percent(_accuracy(best))} %: "
        text += f"{', '.join(below)} did not pass it" if below else "every network passed it"
        yield text + "".join(_probe(row) for row in own if row.control == PROBE) + "."


def _probe(row: Outcome) -> str:
    counts = [c.tp + c.fn for c in row.seeds[0].scores.per_class]
    chance = max(counts) / sum(counts)
    return (
        f"; from the features of {row.arm.name} the subject is read right in {percent(_accuracy(row))} % "
        f"(the commonest subject: {percent(chance)} %)"
    )


def _inflation(study: Outcomes) -> Iterator[str]:
    """Frame against every stricter protocol, both counted in frames, over the arms that have both."""
    for protocol in study.study.protocols:
        if protocol == "frame" or "frame" not in study.study.protocols:
            continue
        strict = {row.arm.name: row for row in study.under(protocol) if row.seeds}
        pairs = [
            (row, strict[row.arm.name])
            for row in study.under("frame")
            if row.seeds and row.arm.name in strict
        ]
        if pairs:
            loose, tight = (fmean(map(_by_frame, rows)) for rows in zip(*pairs, strict=True))
            fallen = sum(bool(row.collapsed or other.collapsed) for row, other in pairs)
            among = f" (of which {fallen} collapsed under one or both)" if fallen else ""
            yield (
                f"The split is worth {percent(loose - tight)} points of accuracy: counted in frames, "
                f"{len(pairs)} networks{among} have {percent(loose)} % on average under frame and "
                f"{percent(tight)} % under {protocol}."
            )


def _collapsed(rows: Sequence[Outcome]) -> Iterator[str]:
    named = [
        f"{row.arm.name} under {row.protocol}"
        + (f" ({row.collapsed} of {len(row.seeds)} seeds)" if len(row.seeds) > 1 else "")
        for row in rows
        if row.collapsed
    ]
    if named:
        yield f"Collapsed, one answer for every test sample: {', '.join(named)}."


def _limits(study: Outcomes, rows: Sequence[Outcome]) -> Iterator[str]:
    texts = []
    if len(study.study.seeds) == 1:
        texts.append("how far a result moves with the seed: there is one seed")
    if any(row.leakage and row.leakage.subject > 0 for row in rows):
        texts.append("how well a network knows unseen people, from any row whose subjects were seen")
    if study.study.dataset.name == "synthetic":
        texts.append("anything about real faces: the images are drawn, and show that the machinery works")
    if texts:
        yield f"This does not show: {'; '.join(texts)}."
    settings = departures(study.study)
    if settings:
        yield f"Not the paper's settings: {'; '.join(settings)}."
