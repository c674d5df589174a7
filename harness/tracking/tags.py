"""Names of the tags of MLflow runs. A store keeps its tags for ever, so a name never changes."""

from __future__ import annotations

KEY_TAG, REUSES_TAG, STUDY_TAG, REASON_TAG, SPEC_TAG, LOCK_SCOPE_TAG, PROCESS_TAG, WEIGHTS_DROPPED_TAG = (
    "harness.key",
    "harness.reuses",
    "harness.study",
    "harness.reason",
    "harness.spec",
    "harness.claims",
    "harness.process",
    "harness.weights_dropped",
)
END_TIME_TAG, VERSIONS_TAG = "harness.end_time", "harness.versions"
"""Tags of a finished run: when its training or evaluation ended, UTC; the versions of harness and torch."""

COMMAND_TAG = "harness.command"
"""Tag of a study: a command line that ran it. The first has this name, the next one the suffix ".2"."""

ALIAS_TAG = "harness.alias"
"""Tag of a study that has an alias (`--name`)."""

EPOCH_RECORD_TAG = "harness.leaky_epoch_record"
"""Tag of a run with a record of its epochs on the test set; its value is the name of the artifact."""

TRACEBACK_TAG = "harness.traceback"
"""Tag of a failed run; its value is the name of the text artifact that holds the whole traceback."""

IMPORTED_TAG = "harness.imported"
"""Tag of imported runs; its value is a finished cell's original run id, otherwise the archive's name."""

PARENT_TAG, NAME_TAG, NOTE_TAG = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"

SOURCE_NAME_TAG, SOURCE_TYPE_TAG, ENTRY_POINT_TAG = (
    "mlflow.source.name",
    "mlflow.source.type",
    "mlflow.project.entryPoint",
)
COMMIT_TAG, DIRTY_TAG = "mlflow.source.git.commit", "mlflow.source.git.dirty"
"""Tags of a run's source: the program, the command that started it, and the commit of harness."""

BEST_ARM_TAG = "harness.best_arm"
"""Tag of a study: the arm whose scores the run of the study shows, and their protocol."""
