"""The summary of a report: verdicts, what is missing for them, the best, the fall, and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from reports.advice import advice
from reports.beside import departures
from reports.cautions import cautions
from reports.certainty import interval_in_words
from reports.columns import near_duplicates_in_words, seen_in_words
from reports.differences import in_words
from reports.effects import effects_in_words
from reports.fall import fall
from reports.lists import few
from reports.numbers import percent, points
from reports.outcomes import Outcome, Outcomes
from reports.run_notes import headline_of
from studies.spec import is_null

PROBE = "identity-probe"


def _accuracy(row: Outcome) -> float:
    return fmean(seed.scores.accuracy for seed in row.seeds)


def summary(study: Outcomes, *, heading: str = "") -> tuple[str, ...]:
    """A study's findings and their limits, one text a point; the first says which study, by its `heading`."""
    finished = [row for row in study.rows if row.seeds]
    done, failed, left = study.progress
    state = f", {failed} failed, {left} not run" if failed or left else ""
    return (
        f"{heading or headline_of(study.study)}: {done} of {done + failed + left} runs finished{state}.",
        *(text for protocol in study.study.protocols for text in in_words(study, protocol)),
        *advice(study),
        *cautions(study),
        *(text for protocol in study.study.protocols for text in _best(study, protocol)),
        *(text for protocol in study.study.protocols for text in effects_in_words(study, protocol)),
        *_controls(study),
        *_inflation(study),
        *_collapsed(finished),
        *_limits(study, finished),
    )


def _best(study: Outcomes, protocol: str) -> Iterator[str]:
    """The highest mean accuracy of the networks that beat always giving one answer, or that none does."""
    arms = (row for row in study.under(protocol) if row.seeds and not is_null(row.arm))
    rows = sorted(arms, key=_accuracy, reverse=True)
    if not rows:
        yield f"Under {protocol} nothing has finished."
        return
    learned = [row for row in rows if _beats_one_answer(row)]
    if not learned:
        tried = [row for row in rows if not row.collapsed_throughout]
        yield f"Under {protocol} no network beat {_one_answer(study, rows[0])}{_nearest(tried, of=rows)}."
        return
    first, *others = learned
    alone = f" No other network beat {_one_answer(study, first)}." if rows[1:] and not others else ""
    equal = [row.arm.name for row in others if _accuracy(row) == _accuracy(first)]
    same = f" {few(equal)} {'have' if equal[1:] else 'has'} the same mean accuracy." if equal else ""
    yield f"Under {protocol} the highest mean accuracy is that of {_scored(first)}.{same}{alone}"


def _nearest(tried: Sequence[Outcome], *, of: Sequence[Outcome]) -> str:
    """What came of the networks that did not collapse, where none is good enough to be called the best."""
    if not tried:
        return ": every one collapsed" if of[1:] else ": it collapsed"
    kept = "" if len(tried) == len(of) else " of those that did not collapse"
    return f": the highest accuracy{kept} is that of {_scored(tried[0])}"


def _scored(row: Outcome) -> str:
    """A network with its accuracy, how far that can be trusted, and what it had seen of its test."""
    f1 = fmean(seed.scores.f1 for seed in row.seeds)
    seen = row.leakage
    assert seen is not None
    near = f", {near_duplicates_in_words(row)}" if None in (seen.clip, seen.subject) else ""
    return (
        f"{row.name}: {percent(_accuracy(row))} % of {row.seeds[0].scores.n} {row.unit} "
        f"({interval_in_words(row)}), F1 {percent(f1)} %; {seen_in_words(seen)}{near}"
    )


def _shares(row: Outcome) -> list[float]:
    """Share of the test of each class, the mean over the seeds: what always answering that class gives."""
    by_seed = [[(c.tp + c.fn) / seed.scores.n for c in seed.scores.per_class] for seed in row.seeds]
    return [fmean(shares) for shares in zip(*by_seed, strict=True)]


def _beats_one_answer(row: Outcome) -> bool:
    return not row.collapsed_throughout and _accuracy(row) > max(_shares(row))


def _one_answer(study: Outcomes, row: Outcome) -> str:
    shares = _shares(row)
    return f"always answering {study.classes[shares.index(max(shares))]} ({percent(max(shares))} %)"


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
        text += f"{few(below)} did not pass it" if below else "every network passed it"
        yield text + "".join(_probe(row) for row in own if row.control == PROBE) + "."


def _probe(row: Outcome) -> str:
    counts = [c.tp + c.fn for c in row.seeds[0].scores.per_class]
    chance = max(counts) / sum(counts)
    return (
        f"; from the features of {row.arm.name} the subject is read right in {percent(_accuracy(row))} % "
        f"(the commonest subject: {percent(chance)} %)"
    )


def _inflation(study: Outcomes) -> Iterator[str]:
    """Frame against every stricter protocol over the networks that learned under both."""
    for protocol in study.study.protocols:
        if protocol == "frame" or "frame" not in study.study.protocols:
            continue
        strict = {row.arm.name: row for row in study.under(protocol) if row.seeds and not is_null(row.arm)}
        both = [
            (row, strict[row.arm.name])
            for row in study.under("frame")
            if row.seeds and row.arm.name in strict
        ]
        learned = [pair for pair in both if not any(row.collapsed for row in pair)]
        found = fall(*zip(*learned, strict=True)) if learned else None
        if found is None:
            continue
        interval = "no interval: too few subjects"
        if found.low is not None and found.high is not None:
            interval = f"95 % interval {points(100 * found.low)} to {points(100 * found.high)}"
            interval += ", for these trained networks only" if found.conditional else ""
        left = len(both) - len(learned)
        out = f"; {left} of {len(both)} networks collapsed and are left out" if left else ""
        yield (
            f"Mean accuracy over frames falls from {percent(found.before)} % (frame) to "
            f"{percent(found.after)} % ({protocol}), a difference of {points(100 * found.difference)} points "
            f"({interval}){out}."
        )


def _collapsed(rows: Sequence[Outcome]) -> Iterator[str]:
    """By protocol, those that collapsed in the most seeds first."""
    named: dict[str, list[str]] = {}
    for row in sorted((row for row in rows if row.collapsed), key=lambda row: -row.collapsed):
        seeds = f" ({row.collapsed} of {len(row.seeds)} seeds)" if len(row.seeds) > 1 else ""
        named.setdefault(row.protocol, []).append(f"{row.arm.name}{seeds}")
    if named:
        told = "; ".join(f"under {protocol} {few(names)}" for protocol, names in named.items())
        yield f"Collapsed, one answer for every test sample: {told}."


def _limits(study: Outcomes, rows: Sequence[Outcome]) -> Iterator[str]:
    texts = []
    if len(study.study.split_seeds) == 1:
        texts.append("how far a result moves with the division into training and test: there is one division")
    shares = [row.leakage.subject for row in rows if row.leakage]
    if any(share is None or share > 0 for share in shares):
        unseen = "how well a network knows unseen people, from any row whose subjects were seen"
        texts.append(f"{unseen} or are unknown" if None in shares else unseen)
    if study.drawn:
        texts.append("anything about real faces: the images are drawn, and show that the machinery works")
    if texts:
        yield f"This does not show: {'; '.join(texts)}."
    settings = departures(study.study)
    if settings:
        yield f"Not the paper's settings: {'; '.join(settings)}."
