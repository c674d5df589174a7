"""What each study of a report is called, so that no two that stand in it are called the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.lists import few
from reports.run_notes import headline_of
from studies.metrics import METRIC_NAMES
from studies.spec import Study

TRAINING = ("epochs", "batch", "learning_rate", "gamma", "class_weights", "patience")


def headings(studies: Sequence[Study]) -> dict[str, str]:
    """A heading a study, by the study's name: its headline, with what differs where several have the same.

    The digest of the study's name is added where the words do not tell them apart.
    """
    alike: dict[str, dict[str, Study]] = {}
    for study in studies:
        alike.setdefault(headline_of(study), {})[study.name] = study
    return {name: text for group in alike.values() for name, text in _apart(group)}


def _apart(group: dict[str, Study]) -> Iterator[tuple[str, str]]:
    traits = {name: _traits(study) for name, study in group.items()}
    columns = list(zip(*traits.values(), strict=True))
    differing = [place for place, column in enumerate(columns) if len(set(column)) > 1]
    words = {name: tuple(told[place] for place in differing) for name, told in traits.items()}
    for name, study in group.items():
        same = list(words.values()).count(words[name]) > 1
        yield name, headline_of(study, *words[name], *((name.rpartition("-")[2],) if same else ()))


def _traits(study: Study) -> tuple[str, ...]:
    """What studies with the same headline may differ in, a text each, in the order in which they are told."""
    data, training = study.dataset, study.training
    widths = sorted({arm.width for arm in study.arms})
    return (
        f"under {' and '.join(study.protocols)}",
        f"frames {data.frames}",
        _numbers("division", study.split_seeds),
        _numbers("seed", study.seeds),
        f"verdicts by {METRIC_NAMES[study.metric]}, margin ±{100 * study.margin:g} points",
        f"{data.image_size} px",
        f"width {', '.join(f'{width:g}' for width in widths)}",
        f"shown as {data.representation}",
        f"alignment {data.alignment}",
        f"layout {data.layout or 'as found'}",
        f"classes {', '.join(data.classes) or 'as usual'}",
        *(f"{name.replace('_', ' ')} {getattr(training, name)}" for name in TRAINING),
        "tuned" if study.searches else "not tuned",
        f"networks {few([arm.name for arm in study.arms])}",
        f"controls {', '.join(study.controls) or 'none'}",
        f"checks {', '.join(study.checks) or 'none'}",
    )


def _numbers(what: str, numbers: tuple[int, ...]) -> str:
    return f"{what}s {', '.join(map(str, numbers))}" if numbers[1:] else f"{what} {numbers[0]}"
