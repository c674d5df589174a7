"""Recognize the format of a file of predictions by its content, and read it."""

from __future__ import annotations

from pathlib import Path

from datasets.io.text_file import read_text_lines
from studies.prediction_files.csv_table import find_delimiter, read_csv_table
from studies.prediction_files.megc_log import FORMAT_NAME, is_megc_log, parse_megc_log
from studies.prediction_files.subject_log import is_subject_log, read_subject_log
from studies.prediction_files.table import PredictionTable, build_file_table


def read_predictions(path: Path) -> PredictionTable:
    """Return the predictions of a file. File names do not matter: logs named .csv are common.

    Raises:
        DatasetError: The file cannot be read, its format is unknown, or a line breaks a rule of its format.
    """
    lines = read_text_lines(path)
    if is_megc_log(lines):
        return build_file_table(path, parse_megc_log(lines), format_name=FORMAT_NAME)
    if is_subject_log(lines):
        return read_subject_log(path, lines)
    if find_delimiter(lines[0].text):
        return read_csv_table(path, lines)
    raise lines[0].build_error(
        "prediction-file.unknown-format",
        rule="a file of predictions is an MEGC log (a line `casme2 sub01`, then `EP02_01f 1 1` for each "
        "clip), a log with the lines Subject, Predicted and Ground Truth, or a CSV with the columns truth "
        "and prediction",
        remedy="convert the file to one of them",
    )
