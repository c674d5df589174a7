"""Logs that print for each subject the lists of predicted and of true classes, without clip names.

    Subject: sub01
    Predicted    : [0, 0, 1]
    Ground Truth : [0, 0, 1]

Other lines, such as those of epochs and scores, are skipped. `Best Predicted` is read where `Predicted` is
missing: scripts print it for the best epoch on the test subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from datasets.io.text_file import TextLine
from datasets.megc2019.clip_names import infer_sets
from studies.prediction_files.table import (
    SET_NOTE,
    ClipPrediction,
    Lines,
    PredictionTable,
    assign_sets,
    build_file_table,
    parse_class,
    parse_name,
)

FORMAT_NAME = "log of lists by subject"
POSITION_NOTE = "The clips have no names: they are known by their position within their subject."
SELECTION_NOTE = (
    "The log calls its predictions best, so the epoch was probably chosen on the test subject. Scores of "
    "such predictions are too high."
)

_SUBJECT = re.compile(r"\s*subject\s*:(.*)", re.IGNORECASE)
_LIST = re.compile(r"\s*(best\s+predicted|predicted|ground\s+truth)\s*:(.*)", re.IGNORECASE)
_BRACKETS = re.compile(r"[^\[\]]*\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A subject and its lists by role, such as "ground truth", each with its line."""

    name: str
    line: TextLine
    lists: dict[str, tuple[TextLine, tuple[int, ...]]] = field(default_factory=dict)


def is_subject_log(lines: Lines) -> bool:
    """Return True if a line names a subject or holds a list of classes."""
    return any(_SUBJECT.match(line.text) or _LIST.match(line.text) for line in lines)


def read_subject_log(path: Path, lines: Lines) -> PredictionTable:
    """Return the table of a log.

    Raises:
        ValueError: A list comes before the first subject, or twice, or holds a wrong label; a subject lacks a
            list; or its two lists differ in length.
    """
    subjects = list(_parse_subjects(lines))
    predictions = [prediction for subject in subjects for prediction in _pair_lists(subject)]
    sets = infer_sets({subject.name for subject in subjects})
    has_selection = any("predicted" not in subject.lists for subject in subjects)
    return build_file_table(
        path,
        assign_sets(predictions, sets),
        format_name=FORMAT_NAME,
        has_clip_names=False,
        notes=(
            POSITION_NOTE,
            *([SET_NOTE] if sets else []),
            *([SELECTION_NOTE] if has_selection else []),
        ),
    )


def _parse_subjects(lines: Lines) -> Iterator[_Subject]:
    subject: _Subject | None = None
    for line in lines:
        if match := _SUBJECT.match(line.text):
            if subject:
                yield subject
            subject = _Subject(name=parse_name(line, match[1]), line=line)
        elif match := _LIST.match(line.text):
            if subject is None or not subject.name:
                raise line.build_error(
                    "subject-log.no-subject",
                    rule="a fold starts with a line Subject: NAME, and no such line is above this list",
                    remedy="add the subject's name",
                )
            _add_list(subject, line, role=" ".join(match[1].lower().split()), text=match[2])
    if subject:
        yield subject


def _add_list(subject: _Subject, line: TextLine, *, role: str, text: str) -> None:
    if role in subject.lists:
        raise line.build_error(
            "subject-log.list-twice",
            rule=f"a subject has one {role} list, and line {subject.lists[role][0].number} has another",
            remedy="keep the list that counts",
        )
    match = _BRACKETS.match(text)
    if match is None:
        raise line.build_error(
            "subject-log.brackets",
            rule=f"the {role} list stands in brackets on one line, such as [0, 0, 1]",
            remedy="write the list in this form",
        )
    classes = (parse_class(line, label, role=f"{role} class") for label in match[1].replace(",", " ").split())
    subject.lists[role] = line, tuple(classes)


def _pair_lists(subject: _Subject) -> Iterator[ClipPrediction]:
    """Yield one prediction for each position of a subject's lists."""
    predicted = subject.lists.get("predicted") or subject.lists.get("best predicted")
    truth = subject.lists.get("ground truth")
    if predicted is None or truth is None:
        missing_line = "Predicted : [...]" if predicted is None else "Ground Truth : [...]"
        raise subject.line.build_error(
            "subject-log.list-missing",
            rule=f"a subject has a predicted and a true list, and the line {missing_line} is missing",
            remedy="add the line, or remove the subject",
        )
    line, predicted_classes = predicted
    _, true_classes = truth
    if len(predicted_classes) != len(true_classes):
        raise line.build_error(
            "subject-log.list-lengths",
            rule=f"the two lists of a subject have the same length, and subject {subject.name} has "
            f"{len(predicted_classes)} predictions for {len(true_classes)} true classes",
            remedy="complete the shorter list",
        )
    pairs = zip(true_classes, predicted_classes, strict=True)
    for position, (true_class, predicted_class) in enumerate(pairs, start=1):
        yield ClipPrediction(
            dataset="",
            subject=subject.name,
            clip=f"#{position}",
            truth=true_class,
            predicted_class=predicted_class,
            line=line,
        )
