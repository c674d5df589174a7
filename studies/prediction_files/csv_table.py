"""CSV files with named columns: set, subject, clip, truth and prediction, of which the last two are required.

The delimiter is comma, semicolon or tab. The predictions.csv of a run of harness is such a file too: its rows
are frames, whose probabilities are averaged by clip.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from datasets.io.text_file import TextLine
from datasets.megc2019.clip_names import infer_sets, parse_set_name
from studies.metrics import aggregate_by_clip
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
from studies.results import Prediction

FORMAT_NAME, RUN_FORMAT_NAME = "CSV", "predictions.csv of a run"
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "set": ("set", "dataset", "data", "database"),
    "subject": ("subject", "sub", "subject_id"),
    "clip": ("clip", "filename", "video", "clip_id", "file"),
    "truth": ("truth", "label", "true", "y_true", "ground_truth", "gt", "target"),
    "prediction": ("prediction", "predicted", "pred", "y_pred", "answer", "predicted_class"),
}
"""Accepted names of each column, in lower case, with underscores for spaces."""

REQUIRED_COLUMNS = ("truth", "prediction")
RUN_COLUMNS = ("id", "condition", "truth", "answer", "p0")
"""Columns by which the predictions.csv of a run is recognized."""

_POSITION_NOTE = "The file has no clip column: its rows are known by their position within their subject."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row: its last line, and its fields by the name of their column."""

    line: TextLine
    fields: Mapping[str, str]


def find_delimiter(first_line: str) -> str:
    """Return the delimiter that gives the line most known columns, or "" if the line has no delimiter."""
    delimiters = [delimiter for delimiter in ",;\t" if delimiter in first_line]
    return max(
        delimiters,
        key=lambda delimiter: len(_find_columns(_split_header(first_line, delimiter))),
        default="",
    )


def read_csv_table(path: Path, lines: Lines) -> PredictionTable:
    """Return the table of a CSV file.

    Raises:
        ValueError: A required column is missing, a column occurs twice, or a row is not usable.
    """
    delimiter = find_delimiter(lines[0].text)
    names = _split_header(lines[0].text, delimiter)
    columns = _find_columns(names)
    _check_header(lines[0], names, columns=columns)
    rows = list(_iter_rows(lines, names, delimiter=delimiter))
    if set(RUN_COLUMNS) <= set(names):
        return _read_run_table(path, rows)
    predictions = list(_parse_rows(rows, columns=columns))
    sets = {} if "set" in columns else infer_sets({p.subject for p in predictions})
    has_clip_names = "clip" in columns
    return build_file_table(
        path,
        assign_sets(predictions, sets),
        format_name=FORMAT_NAME,
        has_clip_names=has_clip_names,
        notes=(*([] if has_clip_names else [_POSITION_NOTE]), *([SET_NOTE] if sets else [])),
    )


def _split_header(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return ["_".join(cell.lower().replace("-", " ").split()) for cell in cells]


def _find_columns(names: Sequence[str]) -> dict[str, str]:
    """Return the name of the first column of each role that the header has."""
    first_names = {
        role: next((name for name in names if name in accepted), "")
        for role, accepted in COLUMN_NAMES.items()
    }
    return {role: name for role, name in first_names.items() if name}


def _check_header(header: TextLine, names: Sequence[str], *, columns: Mapping[str, str]) -> None:
    missing = [role for role in REQUIRED_COLUMNS if role not in columns]
    if missing:
        raise header.build_error(
            "prediction-csv.missing-column",
            rule="the first line names the columns truth and prediction, and if known set, subject and clip; "
            f"missing: {', '.join(missing)}",
            remedy="name the columns; the challenge's list of labels belongs after --truth",
        )
    for role, accepted in COLUMN_NAMES.items():
        candidates = [name for name in names if name in accepted]
        if len(candidates) > 1:
            raise header.build_error(
                "prediction-csv.column-twice",
                rule=f"one column holds the {role}, and the header has {', '.join(candidates)}",
                remedy="keep one of them",
            )


def _iter_rows(lines: Lines, names: Sequence[str], *, delimiter: str) -> Iterator[_Row]:
    reader = csv.reader((f"{line.text}\n" for line in lines), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            line = lines[reader.line_num - 1]
            if len(cells) != len(names):
                raise line.build_error(
                    "prediction-csv.field-count",
                    rule=f"a row has {len(names)} fields like the header, and this one has {len(cells)}",
                    remedy="complete the row",
                )
            yield _Row(line=line, fields=dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        line = lines[min(reader.line_num, len(lines)) - 1]
        raise line.build_error(
            "prediction-csv.not-csv", rule=f"the file must be CSV ({error})", remedy="save it again as CSV"
        ) from error


def _parse_rows(rows: Sequence[_Row], *, columns: Mapping[str, str]) -> Iterator[ClipPrediction]:
    positions: dict[tuple[str, str], int] = {}
    for row in rows:
        dataset, subject, clip = (
            parse_name(row.line, row.fields[columns[role]]) if role in columns else ""
            for role in ("set", "subject", "clip")
        )
        if "clip" in columns and not clip:
            raise row.line.build_error(
                "prediction-csv.no-clip", rule="the clip is missing", remedy="add the name of the clip"
            )
        position = positions[dataset, subject] = positions.get((dataset, subject), 0) + 1
        truth, predicted_class = (
            parse_class(row.line, row.fields[columns[role]], role=role) for role in REQUIRED_COLUMNS
        )
        yield ClipPrediction(
            dataset=parse_set_name(dataset),
            subject=subject,
            clip=clip or f"#{position}",
            truth=truth,
            predicted_class=predicted_class,
            line=row.line,
        )


def _read_run_table(path: Path, rows: Sequence[_Row]) -> PredictionTable:
    """Return the table of a run's predictions.csv: the frames without corruption, averaged by clip."""
    clean_rows = [row for row in rows if not row.fields["condition"]]
    frames = [_parse_frame(row) for row in clean_rows]
    first_rows: dict[str, tuple[TextLine, int]] = {}
    for frame, row in zip(frames, clean_rows, strict=True):
        first_line, truth = first_rows.setdefault(frame.clip or frame.id, (row.line, frame.truth))
        if truth != frame.truth:
            raise row.line.build_error(
                "prediction-csv.clip-of-several-classes",
                rule=f"the frames of a clip have one true class, and line {first_line.number} has another",
                remedy="use predictions.csv as the run wrote it",
            )
    clips = aggregate_by_clip(frames)
    notes = [f"{len(frames)} frames of {len(clips)} clips: the probabilities are averaged by clip."]
    if len(clean_rows) < len(rows):
        notes.append(f"{len(rows) - len(clean_rows)} rows of corrupted images are left out.")
    predictions = (
        ClipPrediction(
            dataset="",
            subject=clip.subject,
            clip=clip.id,
            truth=clip.truth,
            predicted_class=clip.predicted_class,
            line=first_rows[clip.id][0],
        )
        for clip in clips
    )
    return build_file_table(path, predictions, format_name=RUN_FORMAT_NAME, notes=tuple(notes))


def _parse_frame(row: _Row) -> Prediction:
    id_, subject, clip = (
        parse_name(row.line, row.fields.get(name, "")) for name in ("id", "subject", "clip")
    )
    if not (id_ or clip):
        raise row.line.build_error(
            "prediction-csv.no-image-id",
            rule="the id of the image is missing",
            remedy="add the id or the clip",
        )
    try:
        probabilities = tuple(
            float(value) for name, value in row.fields.items() if name[:1] == "p" and name[1:].isdecimal()
        )
    except ValueError:
        probabilities = ()
    if not probabilities or not all(isfinite(p) and p >= 0 for p in probabilities):
        raise row.line.build_error(
            "prediction-csv.no-probabilities",
            rule="the columns p0, p1, ... hold one probability for each class",
            remedy="use predictions.csv as the run wrote it",
        )
    truth = parse_class(row.line, row.fields["truth"], role="truth")
    return Prediction(id=id_, subject=subject, clip=clip, truth=truth, probabilities=probabilities)
