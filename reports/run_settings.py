"""A study's settings and machines as text, and the table that indexes its runs."""

from __future__ import annotations

from collections.abc import Iterable

from datasets.spec import DatasetSpec
from datasets.text import pluralize
from reports.formatting import NO_VALUE, count_cell, text_cell
from reports.outcomes import StudyEvaluation, format_training, get_training_id
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from studies.claim_checks import CHECK_DESCRIPTIONS
from studies.metrics import METRIC_NAMES, compute_scores, to_evaluation_unit
from studies.results import RunResult, format_end_times
from studies.spec import TrainingSpec
from studies.study import Study, format_study_label

PROTOCOL_TEXTS = {
    "frame": "7:2:1 over frames, as in the paper: frames of one clip can be in training and test",
    "clip": "7:2:1 over clips: each clip is in one split only, but its subject can be in several",
    "subject": "7:2:1 over subjects: no test subject is in training",
    "kfold": "folds over subjects, pooled: no test subject is in training",
    "lodo": "one data set of the composite left out at a time, pooled: no test subject is in training",
    "loso": "one subject left out at a time, pooled: no test subject is in training",
}

TUNED_TEXT = "learning rate, γ and class weights of each network come from its own search instead"


def format_hours(seconds: float) -> str:
    """Format a duration as h:mm:ss."""
    minutes, remainder = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{remainder:02d}"


def format_headline(study: Study, *traits: str) -> str:
    """Return a study's short title, such as "Comparison on CK+ (preset quick)", with additional `traits`."""
    design = (f"design {study.design}",) if study.design else ()
    details = ", ".join((f"preset {study.preset}", *design, *traits))
    return f"{study.kind.capitalize()} on {dataset_title(study.dataset.name)} ({details})"


def describe_settings(evaluation: StudyEvaluation) -> tuple[str, ...]:
    """Return a study's settings, machines and progress, one text per line."""
    study, result = evaluation.study, evaluation.result
    finished_count, failed_count, pending_count = evaluation.run_counts
    seconds = sum(run.seconds for run in result.results)
    time_text = format_end_times(run.end_time for run in result.results)
    return (
        f"Study: {format_study_label(study.name, result.alias)}",
        f"Networks: {', '.join(arm.name for arm in study.arms)}",
        *(f"Protocol {name}: {PROTOCOL_TEXTS.get(name, 'user-defined')}" for name in study.protocols),
        f"Split seeds: {', '.join(map(str, study.split_seeds))}; training seeds: "
        f"{', '.join(map(str, study.seeds))}",
        f"Verdicts by {METRIC_NAMES[study.metric]}, margin ±{100 * study.margin:g} points",
        f"Images: {describe_images(study.dataset)}, data {study.fingerprint[:16]}",
        f"Training: {describe_training(study.training)}",
        *([f"Tuned: {TUNED_TEXT}"] if study.searches else []),
        *(f"Check {check}: {CHECK_DESCRIPTIONS[check]}" for check in study.checks),
        *(f"Machine: {text}" for text in _describe_environments(result.results)),
        *(f"Memory: {text}" for text in _build_micro_batch_notes(result.results)),
        f"Runs: {finished_count} finished, {failed_count} failed, {pending_count} not run; "
        f"{format_hours(seconds)} (h:min:s) of run time{f'; {time_text}' if time_text else ''}",
    )


def describe_images(spec: DatasetSpec) -> str:
    """Return the image size, frame policy, layout, alignment and representation of a dataset."""
    layout = f", layout {spec.layout}" if spec.layout else ""
    preparation = f"alignment {spec.alignment}, representation {spec.describe_representation()}"
    return f"{spec.image_size} px, frames {spec.frame_policy}{layout}, {preparation}"


def describe_training(spec: TrainingSpec) -> str:
    """Return the optimizer, loss, augmentation and engine settings of a training."""
    class_weights = "inverse class frequencies" if spec.class_weights == "inverse" else "no class weights"
    augmentation = spec.augmentation
    return (
        f"Adam, learning rate {spec.learning_rate:g}, batch {spec.batch_size}, at most "
        f"{pluralize(spec.epochs, 'epoch')}, early stopping after {pluralize(spec.patience, 'epoch')} "
        "without a better validation accuracy (ties: lower validation loss); focal loss with "
        f"γ = {spec.gamma:g} and α from {class_weights}; augmentation: "
        f"flip {augmentation.flip:g}, rotation ±{augmentation.rotation:g}°, scale ±{augmentation.scale:g}, "
        f"crop ±{augmentation.crop:g}, brightness ±{augmentation.brightness:g}, "
        f"contrast ±{augmentation.contrast:g}, saturation ±{augmentation.saturation:g}, "
        f"hue ±{augmentation.hue:g}; {spec.precision}, "
        f"{spec.engine} engine{', deterministic' if spec.deterministic else ''}"
    )


def _build_micro_batch_notes(results: Iterable[RunResult]) -> tuple[str, ...]:
    """Return a note for each run whose batches were split because a whole batch did not fit the memory."""
    return tuple(
        f"{run.spec.name} ({run.spec.protocol}, {format_training(run.spec)}, fold {run.spec.fold}) was "
        f"trained with each batch in {run.micro_batches} micro-batches, because a whole batch did not fit; "
        "gradients cover the whole batch, batch norm statistics each micro-batch"
        for run in results
        if run.micro_batches > 1
    )


def _describe_environments(results: Iterable[RunResult]) -> tuple[str, ...]:
    environments = dict.fromkeys(result.environment for result in results)
    return tuple(
        f"{environment.device}; {environment.platform}; {pluralize(environment.threads, 'thread')}; "
        f"{', '.join(f'{name} {version}' for name, version in environment.versions)}; "
        f"commit {environment.commit}"
        for environment in environments
    )


def build_run_index_table(evaluation: StudyEvaluation) -> Table:
    """Build the table of a study's runs: key, MLflow run id, epochs, seconds, and whether it collapsed."""
    tracking_ids = dict(evaluation.result.run_ids)
    results = {result.spec.key: result for result in evaluation.result.results}
    failed_keys = {failure.spec.key for failure in evaluation.result.failures}
    # The scores of a training of one run are those of the run.
    collapse_by_key = {
        training.runs[0].spec.key: training.scores.is_collapsed
        for outcome in evaluation.outcomes
        for training in outcome.trainings
        if len(training.runs) == 1
    }
    has_folds = len({spec.fold for spec in evaluation.study.list_runs()}) > 1
    rows = []
    for spec in evaluation.study.list_runs():
        run_result = results.get(spec.key)
        result_cells = (
            _build_finished_cells(run_result, is_collapsed=collapse_by_key.get(spec.key))
            if run_result
            else _build_unfinished_cells(has_failed=spec.key in failed_keys)
        )
        split_seed, seed = get_training_id(spec)
        run_id = (
            spec.name,
            spec.protocol,
            str(split_seed),
            str(seed),
            *((str(spec.fold),) if has_folds else ()),
        )
        rows.append(
            (
                *map(text_cell, run_id),
                text_cell(spec.key),
                text_cell(tracking_ids.get(spec.key, NO_VALUE)),
                *result_cells,
                text_cell(_shorten_commit(run_result.environment.commit) if run_result else NO_VALUE),
            )
        )
    result_header = ("Best epoch", "Epochs", "Seconds", "Test frames", "Collapsed", "Commit")
    header = (
        "Network",
        "Protocol",
        "Split",
        "Seed",
        *(("Fold",) if has_folds else ()),
        "Key",
        "MLflow run",
    )
    return Table(
        id=f"runs-{evaluation.study.name}",
        title=f"Runs of {evaluation.study.name}",
        header=(*header, *result_header),
        rows=tuple(rows),
        row_keys=tuple(spec.key for spec in evaluation.study.list_runs()),
        notes=(
            "Key: digest of all settings that identify a run; the same run has the same key in every study. "
            "Commit: the version of harness that ran it.",
        ),
    )


def _shorten_commit(commit: str) -> str:
    """Return the first ten digits of a commit, with its remark, such as "(modified)"."""
    digits, separator, remark = commit.partition(" ")
    return f"{digits[:10]}{separator}{remark}"


def _build_finished_cells(result: RunResult, *, is_collapsed: bool | None) -> tuple[Cell, ...]:
    """Return the cells of a finished run; its collapse is computed if it is not passed."""
    run_keys = (result.spec.key,)
    seconds_cell = Cell(text=f"{result.seconds:.1f}", value=result.seconds, run_keys=run_keys)
    count_cells = (count_cell(result.best_epoch, run_keys), count_cell(len(result.history), run_keys))
    if result.spec.variant in ("robustness", "latency"):
        # These checks test on corrupted images or not at all.
        return (*count_cells, seconds_cell, text_cell(NO_VALUE), text_cell(NO_VALUE))
    if is_collapsed is None:
        units = to_evaluation_unit(result.predictions, result.spec.protocol)
        is_collapsed = compute_scores(units, len(result.data.classes)).is_collapsed
    collapsed_cell = text_cell("collapsed" if is_collapsed else "no")
    return (*count_cells, seconds_cell, count_cell(len(result.predictions), run_keys), collapsed_cell)


def _build_unfinished_cells(*, has_failed: bool) -> tuple[Cell, ...]:
    return (text_cell("failed" if has_failed else "not run"), *[text_cell(NO_VALUE)] * 4)
