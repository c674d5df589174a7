"""The log of MEGC 2019: a line `casme2 sub01` opens a fold, then `EP02_01f 1 1` for each clip.

The three fields of a clip are its name, the true and the predicted class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datasets.catalogue import DATASETS
from datasets.io.text_file import TextLine
from datasets.megc2019.clip_names import parse_set_name
from datasets.megc2019.constants import SETS
from datasets.megc2019.labels import parse_label
from studies.errors import StudyError
from studies.prediction_files.table import ClipPrediction, Lines, parse_class, parse_name

FORMAT_NAME = "MEGC log"
KNOWN_SETS = frozenset((*SETS, *DATASETS))
"""Set names by which a fold line is recognized even if its subject is a number. Other names are accepted."""

_FOLD_FORM = "a fold starts with a line SET SUBJECT, such as `casme2 sub01`"
_CLIP_FORM = "a clip is a line CLIP TRUTH PREDICTION, such as `EP02_01f 1 1`"


def is_megc_log(lines: Lines) -> bool:
    """Return True if the first line is a clip line, or a fold line of a known set or above a clip line."""
    first_fields = lines[0].text.split()
    if len(first_fields) == 2 and parse_set_name(first_fields[0]) in KNOWN_SETS:
        return True
    return _is_clip_line(first_fields) or (
        len(first_fields) == 2 and len(lines) > 1 and _is_clip_line(lines[1].text.split())
    )


def _is_clip_line(fields: Sequence[str]) -> bool:
    return len(fields) == 3 and all(parse_label(field) is not None for field in fields[1:])


def parse_megc_log(lines: Lines) -> Iterator[ClipPrediction]:
    """Yield the predictions of a log in file order.

    Raises:
        ValueError: A line is neither a fold line nor a clip line, a clip comes before the first fold line, or
            a fold has no clips.
    """
    fold_line: TextLine | None = None
    dataset = subject = ""
    num_clips = 0
    for line in lines:
        fields = line.text.split()
        if _is_fold_line(fields, has_fold=fold_line is not None):
            _check_fold(fold_line, num_clips)
            dataset, subject = (parse_name(line, field) for field in fields)
            fold_line, dataset, num_clips = line, parse_set_name(dataset), 0
            continue
        _check_clip_line(line, num_fields=len(fields), has_fold=fold_line is not None)
        num_clips += 1
        yield ClipPrediction(
            dataset=dataset,
            subject=subject,
            clip=parse_name(line, fields[0]),
            truth=parse_class(line, fields[1], role="truth"),
            predicted_class=parse_class(line, fields[2], role="prediction"),
            line=line,
        )
    _check_fold(fold_line, num_clips)


def _is_fold_line(fields: Sequence[str], *, has_fold: bool) -> bool:
    """Return True for two fields that are not a clip and its truth: `EP02_01f 1` lacks its prediction."""
    if len(fields) != 2:
        return False
    is_known_set = parse_set_name(fields[0]) in KNOWN_SETS
    return is_known_set or not has_fold or parse_label(fields[1]) is None


def _check_fold(fold_line: TextLine | None, num_clips: int) -> None:
    if fold_line and not num_clips:
        raise fold_line.build_error(
            "megc-log.empty-fold",
            rule=f"a fold has at least one clip; {_CLIP_FORM}",
            remedy="add the clips of the fold, or remove its line",
        )


def _check_clip_line(line: TextLine, *, num_fields: int, has_fold: bool) -> None:
    if num_fields == 2:
        raise line.build_error(
            "megc-log.no-prediction",
            rule=f"the prediction is missing; {_CLIP_FORM}",
            remedy="add the prediction",
        )
    if num_fields != 3:
        raise line.build_error(
            "megc-log.fields",
            rule=f"{_FOLD_FORM}, and {_CLIP_FORM}",
            remedy="write the line in one of the two forms",
        )
    if not has_fold:
        raise line.build_error(
            "megc-log.no-fold", rule=f"{_FOLD_FORM}, and no fold is open", remedy="add the fold line above it"
        )


def render_megc_log(predictions: Sequence[ClipPrediction]) -> str:
    """Return the log of predictions, one fold for each set and subject in order of first appearance.

    Raises:
        ValueError: A name is empty or holds white space or control characters, so it is not one field of a
            line.
    """
    folds: dict[tuple[str, str], list[ClipPrediction]] = {}
    for prediction in predictions:
        folds.setdefault((prediction.dataset, prediction.subject), []).append(prediction)
    text_lines = []
    for (dataset, subject), members in folds.items():
        text_lines.append(f"{_check_field(dataset, 'set')} {_check_field(subject, 'subject')}")
        text_lines += [f"{_check_field(p.clip, 'clip')} {p.truth} {p.predicted_class}" for p in members]
    return "\n".join(text_lines) + "\n"


def _check_field(name: str, role: str) -> str:
    if not name.isprintable() or len(name.split()) != 1:
        raise StudyError(
            "megc-log.name-with-space",
            f"an MEGC log separates names by spaces, so each {role} needs a name without spaces and control "
            f"characters; got {name!r}: rename the {role} in the data and run the study again",
        )
    return name
