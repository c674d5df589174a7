"""What a report says, in words: the best, what the split is worth, what broke, what cannot be concluded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from reports.beside import departures
from reports.certainty import interval_in_words
from reports.columns import near_duplicates_in_words, seen_in_words
from reports.differences import in_words
from reports.effects import effects_in_words
from reports.lists import few
from reports.numbers import percent
from reports.outcomes import Outcome, Outcomes
from reports.run_notes import headline_of

PROBE = "identity-probe"


def _accuracy(row: Outcome) -> float:
    return fmean(seed.scores.accuracy for seed in row.seeds)


def _by_frame(row: Outcome) -> float:
    return fmean(seed.by_frame.accuracy for seed in row.seeds)


def summary(study: Outcomes, *, heading: str = "") -> tuple[str, ...]:
    """A study's findings and their limits, one text a point; the first says which study, by its `heading`."""
    finished = [row for row in study.rows if row.seeds]
    done, failed, left = study.progress
    state = f", {failed} failed, {left} not run" if failed or left else ""
    return (
        f"{heading or headline_of(study.study)}: {done} of {done + failed + left} runs finished{state}.",
        *(text for protocol in study.study.protocols for text in _best(study, protocol)),
        *(text for protocol in study.study.protocols for text in in_words(study, protocol)),
        *(text for protocol in study.study.protocols for text in effects_in_words(study, protocol)),
        *_controls(study),
        *_inflation(study),
        *_collapsed(finished),
        *_limits(study, finished),
    )


def _best(study: Outcomes, protocol: str) -> Iterator[str]:
    """The most accurate of the networks that beat always giving one answer, or that none does."""
    rows = sorted((row for row in study.under(protocol) if row.seeds), key=_accuracy, reverse=True)
    if not rows:
        yield f"Under {protocol} nothing has finished."
        return
    learned = [row for row in rows if _beats_one_answer(row)]
    if not learned:
        tried = [row for row in rows if not row.collapsed_throughout]
        yield f"Under {protocol} no network beat {_one_answer(study, rows[0])}{_nearest(tried, of=rows)}."
        return
    first, *others = learned
    text = f"Under {protocol} the most accurate is {_scored(first)}."
    if others:
        yield text + _lead(first, others)
    else:
        yield text + (f" No other network beat {_one_answer(study, first)}." if rows[1:] else "")


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


def _lead(first: Outcome, others: Sequence[Outcome]) -> str:
    second = others[0]
    lead = _accuracy(first) - _accuracy(second)
    if lead == 0:
        level = [row.name for row in others if _accuracy(row) == _accuracy(first)]
        return f" {few(level)} {'is' if len(level) == 1 else 'are'} level with it."
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
        if not all(row.collapsed and other.collapsed for row, other in pairs):
            loose, tight = (fmean(map(_by_frame, rows)) for rows in zip(*pairs, strict=True))
            fallen = sum(bool(row.collapsed or other.collapsed) for row, other in pairs)
            among = f" (of which {fallen} collapsed under one or both)" if fallen else ""
            yield (
                f"The split is worth {percent(loose - tight)} points of accuracy: counted in frames, "
                f"{len(pairs)} networks{among} have {percent(loose)} % on average under frame and "
                f"{percent(tight)} % under {protocol}."
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
    if len(study.study.seeds) == 1:
        texts.append("how far a result moves with the seed: there is one seed")
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
