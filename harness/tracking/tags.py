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

TRACEBACK_TAG = "harness.traceback"
"""Tag of a failed run; its value is the name of the text artifact that holds the whole traceback."""

IMPORTED_TAG = "harness.imported"
"""Tag of imported runs; its value is a finished cell's original run id, otherwise the archive's name."""

PARENT_TAG, NAME_TAG, NOTE_TAG = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
