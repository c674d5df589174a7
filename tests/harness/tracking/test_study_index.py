"""Tests of names of studies, aliases and their starts, as arguments of commands, and of --name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.tracking.study_index import check_alias
from harness.tracking.tags import ALIAS_TAG, NAME_TAG
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import OTHER, STUDY, log_finished_runs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, store_template: None) -> Tracker:
    """Return a tracker of a study with an alias and four finished cells, and a study without an alias."""
    folder = tmp_path_factory.mktemp("store")
    tracker = Tracker(f"sqlite:///{folder / 'mlflow.db'}")
    parent = tracker.open_study(STUDY, alias="first-try")
    log_finished_runs(tracker, STUDY.list_runs()[:4], parent=parent, folder=folder / "kept")
    tracker.open_study(OTHER)
    return tracker


@pytest.fixture
def entry_id(store: Tracker) -> str:
    return store.index.find_study_entry(STUDY.name).run_id


def test_study_has_its_name_alias_run_id_and_their_starts(store: Tracker, entry_id: str) -> None:
    for text in (STUDY.name, STUDY.name[:8], "first-try", " first", "f", entry_id, entry_id[:10].upper()):
        assert store.index.find_study_entry(text).name == STUDY.name, text
        assert store.reader.find_study(text) == (STUDY, entry_id)
    assert store.index.find_study_entry("abl").label == OTHER.name
    assert store.index.find_study_entry("f").label == f"first-try ({STUDY.name})"


def test_an_exact_name_comes_before_the_start_of_another(tmp_path: Path) -> None:
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    tracker.open_study(STUDY, alias="ladder")
    tracker.open_study(OTHER, alias="ladder-2")
    assert tracker.index.find_study_entry("ladder").name == STUDY.name
    with raises_code("study-name.ambiguous", f"ladder ({STUDY.name})", f"ladder-2 ({OTHER.name})"):
        tracker.index.find_study_entry("lad")


@pytest.mark.parametrize("text", ["", " ", "x", "first-tryy"])
def test_other_texts_name_no_study(store: Tracker, text: str) -> None:
    with raises_code("study-name.unknown", f"first-try ({STUDY.name})", OTHER.name):
        store.index.find_study_entry(text)


def test_run_is_no_study(store: Tracker) -> None:
    with raises_code("study-name.of-a-run", f"a run of the study {STUDY.name}: name that study"):
        store.index.find_study_entry(STUDY.list_runs()[0].key[:8])


@pytest.mark.parametrize("alias", ["", "a b", "a:b", "a/b", "a.b", "-a", "a" * 41, "a\n", "*"])
def test_alias_with_other_characters_is_refused(alias: str) -> None:
    with raises_code("study-alias.invalid", repr(alias), "first-try"):
        check_alias(alias)


def test_alias_may_have_letters_of_any_script() -> None:
    for alias in ("a", "First_try-2", "表情", "2026-11"):
        check_alias(alias)


def test_alias_of_another_study_is_refused(store: Tracker) -> None:
    for alias in ("first-try", STUDY.name):
        with raises_code("study-alias.taken", repr(alias), STUDY.name):
            store.index.check_alias_free(alias, study_name=OTHER.name)
    store.index.check_alias_free("first-try", study_name=STUDY.name)
    store.index.check_alias_free("", study_name=OTHER.name)


def test_alias_stays_until_another_replaces_it(tmp_path: Path) -> None:
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    for alias, expected in (("a", "a"), ("", "a"), ("b", "b")):
        run_id = tracker.open_study(STUDY, alias=alias)
        tags = tracker.store.client.get_run(run_id).data.tags
        assert (tags[ALIAS_TAG], tags[NAME_TAG]) == (expected, expected)
    assert tracker.index.list_study_names() == [STUDY.name]


@pytest.mark.parametrize(
    ("command", "name"),
    [("report", STUDY.name[:10]), ("status", "first"), ("export", "f"), ("score", "first-try:proposed")],
)
def test_command_finds_a_study_by_alias_or_start(
    harness: Run, store: Tracker, command: str, name: str
) -> None:
    status, out, err = harness(command, name, "--tracking-uri", store.store.uri)
    assert (status, STUDY.name in out or "proposed" in out) == (0, True), err


def test_alias_is_shown_by_status_and_report(harness: Run, store: Tracker) -> None:
    uri = ("--tracking-uri", store.store.uri)
    label = f"first-try ({STUDY.name})"
    assert harness("status", *uri)[1].count(f"{label}  ") == 1
    documents = json.loads(harness("status", "--json", *uri)[1])
    assert {document["study"]: document["alias"] for document in documents} == {
        STUDY.name: "first-try",
        OTHER.name: None,
    }
    assert label in harness("report", "--list", *uri)[1].splitlines()
    report = Path(harness("report", "first-try", *uri)[1].strip())
    assert report.read_text().startswith("# Comparison on a folder of images: first-try\n")
    assert f"- Study: {label}\n" in report.read_text()
    assert json.loads(report.with_suffix(".json").read_text())["aliases"] == {STUDY.name: "first-try"}


@pytest.mark.slow
def test_alias_moves_with_an_archive_unless_another_study_has_it(harness: Run, store: Tracker) -> None:
    assert harness("export", "first-try", "--out", "a.zip", "--tracking-uri", store.store.uri)[0] == 0
    status, _, err = harness("import", "a.zip", "--tracking-uri", "sqlite:///new.db")
    assert (status, "equals the exported one" in err) == (0, True), err
    assert Tracker("sqlite:///new.db").index.find_study_entry("first-try").name == STUDY.name
    Tracker("sqlite:///old.db").open_study(OTHER, alias="first-try")
    status, _, err = harness("import", "a.zip", "--tracking-uri", "sqlite:///old.db")
    assert (status, f"exported as first-try; here it is {STUDY.name}" in err) == (0, True), err
    assert Tracker("sqlite:///old.db").index.find_study_entry("first-try").name == OTHER.name


def test_text_that_starts_a_study_and_a_run_names_neither(harness: Run, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    key = STUDY.list_runs()[0].key
    tracker = Tracker(uri)
    parent = tracker.open_study(STUDY, alias=f"{key[:6]}-study")
    log_finished_runs(tracker, STUDY.list_runs()[:4], parent=parent, folder=tmp_path / "kept")
    status, _, err = outcome = harness("score", key[:6], "--tracking-uri", uri)
    assert (status, outcome.code) == (2, "prediction-name.ambiguous"), err
    assert harness("score", key[:8], "--tracking-uri", uri)[0] == 0
