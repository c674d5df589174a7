"""The argument RUN of a command: find the finished run whose id or key starts with it."""

from __future__ import annotations

from datasets.text import summarize_names
from harness.errors import HarnessError
from harness.tracking.study_index import RUN_PREFIX
from harness.tracking.study_reader import StudyReader
from harness.tracking.tags import KEY_TAG, NAME_TAG, PARENT_TAG

RUN_HINT = (
    "the Run index of a study's report lists the ids and keys of its runs (`harness report STUDY` writes "
    "it), and `harness status` lists the studies"
)
"""Where a user finds the ids and keys of runs."""

_ID_DIGITS = 8
"""Digits of a run id that a message shows; RUN accepts them."""


def find_finished_run(reader: StudyReader, name: str) -> tuple[str, str]:
    """Return the id and the key of the finished run whose id or key starts with `name`, in any case.

    Raises:
        HarnessError: `name` is not the start of an id or key, it names a study, no run or several runs match
            it, or the run has not finished.
    """
    prefix = name.strip().lower()
    is_prefix = RUN_PREFIX.fullmatch(prefix) is not None
    cells = reader.find_cells(prefix) if is_prefix else {}
    if not cells:
        _check_is_no_study(reader, name)
    if not is_prefix:
        raise HarnessError(
            "run-name.invalid",
            f"RUN must be a run's id or key, or its first 4 or more digits (0-9, a-f); got {name!r}: "
            f"{RUN_HINT}",
        )
    if not cells:
        raise HarnessError(
            "run.unknown",
            f"no run in {reader.display_uri()} has an id or key that starts with {prefix}: {RUN_HINT}; "
            "--tracking-uri names another store",
        )
    if len({key for key, _ in cells.values()}) > 1:
        matches = summarize_names([f"{run_id} (key {key})" for run_id, (key, _) in cells.items()])
        raise HarnessError(
            "run-name.ambiguous",
            f"the ids or keys of several runs start with {prefix}: {matches}; give more digits: {RUN_HINT}",
        )
    finished_runs = [(run_id, key) for run_id, (key, status) in cells.items() if status == "FINISHED"]
    if not finished_runs:
        ((run_id, (_, status)), *_) = cells.items()
        raise HarnessError(
            "run.unfinished", f"run {run_id} has not finished ({status}); run the command of its study again"
        )
    return finished_runs[0]


def _check_is_no_study(reader: StudyReader, name: str) -> None:
    """Check that `name` names no study.

    Raises:
        HarnessError: it names one; the message lists the first finished runs of that study.
    """
    studies = reader.match_studies(name)
    if len(studies) != 1:
        return
    (study,) = studies
    filter_string = f"tags.`{PARENT_TAG}` = '{study.run_id}' and attributes.status = 'FINISHED'"
    runs = [run for run in reversed(reader.search_runs(filter_string)) if KEY_TAG in run.data.tags]
    names = [f"{run.info.run_id[:_ID_DIGITS]} ({run.data.tags.get(NAME_TAG, '')})" for run in runs]
    raise HarnessError(
        "run-name.of-a-study",
        f"RUN must be one run; got the study {study.label}: its finished runs are "
        f"{summarize_names(names) or 'none yet'}, and the Run index of its report lists them all "
        f"(`harness report {study.alias or study.name}` writes it)",
    )
