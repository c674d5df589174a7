"""Headings of the studies in a report, each of them unique."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.formatting import truncate_list
from reports.run_settings import format_headline
from studies.metrics import METRIC_NAMES
from studies.study import Study

TRAINING_FIELDS = ("epochs", "batch_size", "learning_rate", "gamma", "class_weights", "patience")


def build_study_headings(studies: Sequence[Study]) -> dict[str, str]:
    """Return a unique heading for each study, by study name.

    Studies with the same headline get the traits in which they differ appended. If these are the same too,
    the digest at the end of the study's name is appended.
    """
    studies_by_headline: dict[str, dict[str, Study]] = {}
    for study in studies:
        studies_by_headline.setdefault(format_headline(study), {})[study.name] = study
    return {
        name: heading
        for studies_by_name in studies_by_headline.values()
        for name, heading in _disambiguate_headings(studies_by_name)
    }


def _disambiguate_headings(studies_by_name: dict[str, Study]) -> Iterator[tuple[str, str]]:
    traits = {name: _describe_traits(study) for name, study in studies_by_name.items()}
    columns = list(zip(*traits.values(), strict=True))
    differing_indices = [index for index, column in enumerate(columns) if len(set(column)) > 1]
    differing_traits = {
        name: tuple(trait_texts[index] for index in differing_indices) for name, trait_texts in traits.items()
    }
    for name, study in studies_by_name.items():
        is_ambiguous = list(differing_traits.values()).count(differing_traits[name]) > 1
        yield (
            name,
            format_headline(
                study, *differing_traits[name], *((name.rpartition("-")[2],) if is_ambiguous else ())
            ),
        )


def _describe_traits(study: Study) -> tuple[str, ...]:
    """Return the traits in which studies with the same headline may differ, always in the same order."""
    dataset, training = study.dataset, study.training
    widths = sorted({arm.width for arm in study.arms})
    return (
        f"under {' and '.join(study.protocols)}",
        f"frames {dataset.frame_policy}",
        _format_numbers("split", study.split_seeds),
        _format_numbers("seed", study.seeds),
        f"verdicts by {METRIC_NAMES[study.metric]}, margin ±{100 * study.margin:g} points",
        f"{dataset.image_size} px",
        f"width {', '.join(f'{width:g}' for width in widths)}",
        f"representation {dataset.describe_representation()}",
        f"alignment {dataset.alignment}",
        f"layout {dataset.layout or 'detected'}",
        f"classes {', '.join(dataset.classes) or 'default'}",
        *(f"{name.replace('_', ' ')} {getattr(training, name)}" for name in TRAINING_FIELDS),
        "tuned" if study.searches else "not tuned",
        f"networks {truncate_list([arm.name for arm in study.arms])}",
        f"controls {', '.join(study.controls) or 'none'}",
        f"checks {', '.join(study.checks) or 'none'}",
    )


def _format_numbers(noun: str, numbers: tuple[int, ...]) -> str:
    return f"{noun}s {', '.join(map(str, numbers))}" if numbers[1:] else f"{noun} {numbers[0]}"
