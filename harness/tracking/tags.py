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
IMPORTED_TAG = "harness.imported"
"""Tag of imported runs; its value is a finished cell's original run id, otherwise the archive's name."""

PARENT_TAG, NAME_TAG, NOTE_TAG = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
