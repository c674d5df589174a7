from pathlib import Path

import pytest

from harness.tracking.mlflow_store import MlflowStore
from harness.tracking.uri import check_uri


@pytest.fixture
def store(tmp_path: Path) -> MlflowStore:
    return MlflowStore(f"sqlite:///{tmp_path / 'mlflow.db'}")


def _start_run(store: MlflowStore, dataset: str = "casme2") -> str:
    experiment = store.get_or_create_experiment(dataset)
    return str(store.client.create_run(experiment).info.run_id)


def test_query_of_a_missing_file_creates_nothing(store: MlflowStore, tmp_path: Path) -> None:
    store.check_readable()
    store.check_address()
    assert store.search_runs("") == []
    assert not store.exists()
    assert not list(tmp_path.iterdir())


def test_uri_with_a_login_is_refused_without_the_password() -> None:
    with pytest.raises(ValueError, match="must not contain a login; got ") as caught:
        MlflowStore("http://user:secret@host")
    assert "secret" not in str(caught.value)


def test_experiment_of_a_data_set_is_reused_and_restored(store: MlflowStore) -> None:
    first = store.get_or_create_experiment("casme2")
    assert store.get_or_create_experiment("casme2") == first
    assert store.get_or_create_experiment("ckplus") != first
    store.client.delete_experiment(first)
    assert store.get_or_create_experiment("casme2") == first
    assert store.client.get_experiment(first).lifecycle_stage == "active"


def test_artifacts_are_in_the_folder_of_the_file(store: MlflowStore, tmp_path: Path) -> None:
    assert store.find_artifact_folder("casme2") == tmp_path / "mlruns"
    store.get_or_create_experiment("casme2")
    assert store.find_artifact_folder("casme2") == tmp_path / "mlruns"


def test_search_covers_all_experiments_and_pages(store: MlflowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tracking.mlflow_store.PAGE_SIZE", 2)
    run_ids = [_start_run(store, dataset) for dataset in ("casme2", "casme2", "ckplus", "casme2", "ckplus")]
    assert {run.info.run_id for run in store.search_runs("")} == set(run_ids)
    store.log_batch(run_ids[2], tags={"color": "red"})
    (run,) = store.search_runs("tags.color = 'red'")
    assert run.info.run_id == run_ids[2]


def test_logged_values_are_readable(store: MlflowStore) -> None:
    run_id = _start_run(store)
    store.log_batch(run_id, params={"epochs": 3}, metrics={"score": 0.5}, tags={"a": "b"})
    store.log_steps(run_id, {1: {"loss": 2.0}, 2: {"loss": 1.0}})
    data = store.client.get_run(run_id).data
    assert (data.params["epochs"], data.metrics["score"], data.tags["a"]) == ("3", 0.5, "b")
    history = store.client.get_metric_history(run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 2.0), (2, 1.0)]


def test_text_keeps_its_line_ends_and_can_be_deleted(store: MlflowStore, tmp_path: Path) -> None:
    run_id = _start_run(store)
    store.log_texts(run_id, {"notes.txt": "a\r\nb\n"})
    run = store.client.get_run(run_id)
    assert store.read_text(run, "notes.txt") == "a\r\nb\n"
    assert store.download_artifact(run_id, "notes.txt", str(tmp_path)).read_bytes() == b"a\r\nb\n"
    store.delete_artifact(run, "notes.txt")
    assert store.client.list_artifacts(run_id) == []


def test_option_names_the_store_unless_it_is_the_default() -> None:
    assert MlflowStore().to_cli_option() == ""
    assert MlflowStore("http://host:5000").to_cli_option() == " --tracking-uri http://host:5000"


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("no database")
    with pytest.raises(ValueError, match="is not a readable MLflow database"):
        check_uri(f"sqlite:///{path}")
    assert path.read_text() == "no database"


def test_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="the tracking store's folder"):
        check_uri(f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}")
