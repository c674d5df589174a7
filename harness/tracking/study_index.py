"""Find studies by name, alias or run id, and cells by run id or key, from their first characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasets.text import summarize_names
from harness.errors import HarnessError
from harness.tracking.mlflow_store import MlflowStore
from harness.tracking.tags import ALIAS_TAG, KEY_TAG, PARENT_TAG, REUSES_TAG, STUDY_TAG
from studies.study import format_study_label

if TYPE_CHECKING:
    from harness.tracking.mlflow_store import Run

RUN_PREFIX = re.compile(r"[0-9a-f]{4,32}")
"""The start of a run id or key, by which a user names a run."""

_ALIAS_PATTERN = re.compile(r"\w[\w-]{0,39}")
"""An alias has none of the characters of a path, of a pattern of the shell, or of STUDY:ARM:PROTOCOL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEntry:
    """A recorded study: its name, its alias ("" without one), and the id of its run."""

    name: str
    alias: str
    run_id: str

    @property
    def label(self) -> str:
        """The alias and the name, or the name alone."""
        return format_study_label(self.name, self.alias)


def check_alias(alias: str) -> None:
    """Check that `alias` can be the alias of a study.

    Raises:
        HarnessError: it is too long or has other characters than letters, digits, "-" and "_".
    """
    if not _ALIAS_PATTERN.fullmatch(alias):
        raise HarnessError(
            "study-alias.invalid",
            "--name takes 1 to 40 letters, digits, - and _, and starts with no -; got "
            f"{alias!r}: choose such a name, for example first-try",
        )


class StudyIndex:
    """Finds studies and cells in a tracking store by what a user calls them."""

    def __init__(self, store: MlflowStore) -> None:
        self.store = store

    def list_studies(self) -> list[StudyEntry]:
        """Return all studies of the store, newest first; of several runs with one name, the newest."""
        entries: dict[str, StudyEntry] = {}
        for run in self.store.search_runs(f"tags.`{STUDY_TAG}` != ''"):
            name, alias = run.data.tags[STUDY_TAG], run.data.tags.get(ALIAS_TAG, "")
            entries.setdefault(name, StudyEntry(name=name, alias=alias, run_id=run.info.run_id))
        return list(entries.values())

    def list_study_names(self) -> list[str]:
        """Return the names of all studies in the store, newest first."""
        return [entry.name for entry in self.list_studies()]

    def get_newest_study_name(self) -> str:
        """Return the name of the newest study; raise HarnessError if the store has none."""
        names = self.list_study_names()
        if not names:
            raise HarnessError(
                "study-name.none",
                f"no study in {self.store.display_uri()} yet; run `harness ablate` or `harness compare`, or "
                "name another store with --tracking-uri",
            )
        return names[0]

    def match_studies(self, text: str) -> list[StudyEntry]:
        """Return the studies that `text` names, newest first.

        These are the studies with this name or alias. If there are none, they are those whose name, alias or
        run id starts with `text`.
        """
        return _match_entries(self.list_studies(), text)

    def find_study_entry(self, text: str) -> StudyEntry:
        """Return the study with this name, alias or run id, or with one that starts with `text`.

        Raises:
            HarnessError: no study or several studies match, or `text` names a run; the message lists studies.
        """
        entries = self.list_studies()
        matches = _match_entries(entries, text)
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise HarnessError(
                "study-name.ambiguous",
                f"STUDY must name one study; the names of several on {self.store.display_uri()} start with "
                f"{text.strip()}: {_list_labels(matches)}: give more characters",
            )
        prefix = text.strip().lower()
        if RUN_PREFIX.fullmatch(prefix) and (run_ids := list(self.find_cells(prefix))):
            raise HarnessError(
                "study-name.of-a-run",
                f"a study must be named, not a run; got {text}, a run of the study "
                f"{self.get_study_name(self.store.client.get_run(run_ids[0]))}: name that study",
            )
        raise HarnessError(
            "study-name.unknown",
            f"no study {text!r} on {self.store.display_uri()}; studies there: "
            f"{_list_labels(entries) or 'none, so run a study first'} (--tracking-uri names another store)",
        )

    def find_alias_owner(self, alias: str, *, study_name: str) -> StudyEntry | None:
        """Return the study other than `study_name` that has `alias` as name or alias, or None."""
        others = (entry for entry in self.list_studies() if alias and entry.name != study_name)
        return next((entry for entry in others if alias in (entry.name, entry.alias)), None)

    def check_alias_free(self, alias: str, *, study_name: str) -> None:
        """Check that `alias` names no other study than the one with the name `study_name`.

        Raises:
            HarnessError: it is the name or alias of another study.
        """
        owner = self.find_alias_owner(alias, study_name=study_name)
        if owner:
            raise HarnessError(
                "study-alias.taken",
                f"--name must name no other study; {alias!r} names {owner.name} on "
                f"{self.store.display_uri()}: choose another name, or first give that study another one with "
                "its own command",
            )

    def find_cells(self, prefix: str) -> dict[str, tuple[str, str]]:
        """Return the key and status, by run id, of the cells whose run id or key starts with `prefix`.

        A link run is replaced by the run that it refers to.
        """
        filter_strings = (f"{field} LIKE '{prefix}%'" for field in (f"tags.`{KEY_TAG}`", "attributes.run_id"))
        runs = [run for filter_string in filter_strings for run in self.store.search_runs(filter_string)]
        runs = [
            self.store.client.get_run(r.data.tags[REUSES_TAG]) if REUSES_TAG in r.data.tags else r
            for r in runs
        ]
        return {r.info.run_id: (r.data.tags[KEY_TAG], r.info.status) for r in runs if KEY_TAG in r.data.tags}

    def get_study_name(self, run: Run) -> str:
        """Return the name of the study that a run belongs to."""
        return str(self.store.client.get_run(run.data.tags[PARENT_TAG]).data.tags[STUDY_TAG])


def _match_entries(entries: Sequence[StudyEntry], text: str) -> list[StudyEntry]:
    text = text.strip()
    if not text:
        return []
    id_prefix = text.lower() if RUN_PREFIX.fullmatch(text.lower()) else None
    return [entry for entry in entries if text in (entry.name, entry.alias)] or [
        entry
        for entry in entries
        if entry.name.startswith(text)
        or entry.alias.startswith(text)
        or (id_prefix and entry.run_id.startswith(id_prefix))
    ]


def _list_labels(entries: Sequence[StudyEntry]) -> str:
    return summarize_names([entry.label for entry in entries], max_names=len(entries))
