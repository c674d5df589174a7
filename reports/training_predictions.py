"""Convert the predictions of trainings to tables of clips, and write them as MEGC logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reports.outcomes import Outcome, TrainingOutcome, evaluate_study, format_training
from studies.errors import StudyError
from studies.metrics import to_evaluation_unit
from studies.prediction_files.megc_log import render_megc_log
from studies.prediction_files.run_predictions import convert_predictions
from studies.prediction_files.table import PredictionTable
from studies.results import RunResult, StudyResult

RUN_FORMAT = "run"
LOG_FOLDER = "megc"
"""Folder of the logs of a study in the study's report folder."""


def build_study_tables(result: StudyResult) -> Iterator[tuple[Outcome, PredictionTable]]:
    """Yield the pooled predictions of each finished training of a study, with the outcome it belongs to."""
    for outcome in evaluate_study(result).outcomes:
        for training in outcome.trainings:
            yield outcome, _build_table(outcome, training)


def _build_table(outcome: Outcome, training: TrainingOutcome) -> PredictionTable:
    run = training.runs[0]
    return PredictionTable(
        name=f"{outcome.arm.name}, {outcome.protocol}, {format_training(run.spec)}",
        format=RUN_FORMAT,
        predictions=convert_predictions(training.units, dataset=run.spec.dataset.name),
        classes=run.data.classes,
        unit=outcome.unit_name,
    )


def build_run_table(run: RunResult, *, name: str) -> PredictionTable:
    """Return the predictions of one run, which are those of one fold.

    Raises:
        StudyError: The run has no predictions for original images.
    """
    frames = [prediction for prediction in run.predictions if not prediction.condition]
    if not frames:
        raise StudyError(
            "training.no-predictions",
            f"{name} has no predictions for original images: name the run of a trained network",
        )
    return PredictionTable(
        name=name,
        format=RUN_FORMAT,
        predictions=convert_predictions(
            to_evaluation_unit(frames, run.spec.protocol), dataset=run.spec.dataset.name
        ),
        classes=run.data.classes,
        unit="frames" if run.spec.protocol == "frame" else "clips",
    )


def write_megc_logs(result: StudyResult, out: Path) -> tuple[Path, ...]:
    """Write one MEGC log for each finished training to `out`/megc, and return the paths.

    Trainings under the protocol `frame` are left out, because their predictions are for frames.

    Raises:
        StudyError: The study has no finished training whose predictions are for clips, or a name has spaces.
    """
    logs = {
        f"{table.name}.txt": render_megc_log(table.predictions)
        for outcome, table in build_study_tables(result)
        if outcome.protocol != "frame"
    }
    if not logs:
        raise StudyError(
            "megc-log.no-clips",
            f"an MEGC log holds clips, and no training of {result.study.name} under another protocol than "
            "frame has finished: run the study with --protocol loso",
        )
    folder = out / LOG_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in logs.items():
        path = folder / re.sub(r"[^\w.+-]+", "-", name)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return tuple(paths)
