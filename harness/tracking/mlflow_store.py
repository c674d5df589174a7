"""Access to an MLflow server or SQLite file, with retries. The only module that imports mlflow.

Importing mlflow takes about two seconds, so it is imported when a store is first read or written.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from harness.errors import HarnessError, is_full_disk
from harness.process_settings import set_environment
from harness.tracking.retry import RetryingClient, RetryPolicy
from harness.tracking.system_metrics import SystemMonitor
from harness.tracking.uri import (
    PASSWORD_VAR,
    SQLITE_PREFIX,
    USER_VAR,
    check_uri,
    check_uri_and_timeout,
    get_default_uri,
    get_lock_path,
    get_sqlite_path,
    has_login,
    is_local,
    store_exists,
    strip_credentials,
)

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

__all__ = ["MlflowStore", "Run", "get_mlflow_exception"]

# MLflow reads these variables when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# MLflow would print the address of each run to stdout, which is reserved for reports and JSON.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# MLflow itself retries an unavailable server silently; `RetryPolicy` retries and notifies instead.
RETRIES_VAR = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
os.environ.setdefault(RETRIES_VAR, "1")

PAGE_SIZE = 1000
LOGIN_ERROR_CODES = ("CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED", "PERMISSION_DENIED")
NEWEST_FIRST = ["attributes.start_time DESC"]


def get_mlflow_exception() -> type[MlflowException]:
    """Return the base class of MLflow's exceptions; an `except` clause calls this only after an error."""
    from mlflow.exceptions import MlflowException

    return MlflowException


class MlflowStore:
    """A tracking server or SQLite file: its address, checks of its availability, and queries.

    `retry_policy` waits while the store is unavailable.

    Raises:
        ValueError: `uri` contains a login.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = get_default_uri() if uri is None else uri
        if has_login(self.uri):
            raise HarnessError(
                "tracking-uri.holds-login",
                f"a tracking URI must not contain a login; got {strip_credentials(self.uri)}: set {USER_VAR} "
                f"and {PASSWORD_VAR} in the environment, and leave the login out",
            )
        self.retry_policy = RetryPolicy(self.display_uri(), is_reachable=self._is_reachable)

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client; each call waits while the store is unavailable."""
        return cast("MlflowClient", RetryingClient(self._client, self.retry_policy))

    @cached_property
    def _client(self) -> MlflowClient:
        """MLflow's client without retries; created on first use, because it creates the SQLite file."""
        from mlflow.tracking import MlflowClient

        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.WARNING)
        # This logger warns of an address without a login; `check_connection` reports it as an error.
        logging.getLogger("mlflow.utils.databricks_utils").setLevel(logging.ERROR)
        if not is_local(self.uri):
            return MlflowClient(tracking_uri=self.uri)
        # The client or its first query creates the tables; two processes cannot do that at the same time.
        with FileLock(get_lock_path(self.uri)):
            client = MlflowClient(tracking_uri=self.uri)
            client.search_experiments(max_results=1)
        return client

    def exists(self) -> bool:
        """Return True if the store is a server or an existing SQLite file."""
        return store_exists(self.uri)

    def check_readable(self) -> None:
        """Check that the store answers if it exists; create nothing.

        Raises:
            ValueError: the store does not answer, or its address is invalid.
        """
        if self.exists():
            self.check_connection()
        else:
            check_uri_and_timeout(self.uri)

    def check_address(self) -> None:
        """Check that a server answers, or that a SQLite file is valid or can be created; create nothing.

        Raises:
            ValueError: the check fails; the message says what to do.
        """
        check_uri(self.uri)
        if not is_local(self.uri):
            self.check_connection()

    def check_connection(self) -> None:
        """Check that the server or the SQLite file answers.

        Raises:
            HarnessError: it does not answer; the message says what to do.
        """
        check_uri(self.uri)
        try:
            with set_environment({RETRIES_VAR: "1"}):  # a wrong address is reported quickly
                self._ping()
        except Exception as error:
            # Each kind of store raises its own exceptions; all of them mean the same to the user here.
            if is_full_disk(error):
                raise
            code = getattr(error, "error_code", "")
            if code in LOGIN_ERROR_CODES:
                raise HarnessError(
                    "tracking-server.login-rejected",
                    f"the tracking server {self.display_uri()} rejects the login ({code}): set {USER_VAR} "
                    f"and {PASSWORD_VAR}, or, on the command line, pass --tracking-uri http://user:password@host",
                ) from error
            if "database is locked" in str(error):
                raise HarnessError(
                    "tracking-store.locked",
                    f"the tracking store {self.display_uri()} is locked by another process, which may have "
                    "been suspended while writing: resume that process, or end it",
                ) from error
            is_missing_package = isinstance(error, ImportError)
            reason = f"{type(error).__name__}: {error}" if is_missing_package else type(error).__name__
            raise HarnessError(
                "tracking-store.no-answer",
                f"the tracking store {self.display_uri()} does not answer ({reason}): "
                f"{'install the missing package' if is_missing_package else 'start the server'}, correct the "
                f"address (http://HOST:PORT or {SQLITE_PREFIX}FILE), or leave --tracking-uri and "
                "MLFLOW_TRACKING_URI out (./mlflow.db)",
            ) from error

    def display_uri(self) -> str:
        """Return the address without credentials, for messages."""
        return strip_credentials(self.uri)

    def to_cli_option(self) -> str:
        """Return the command-line option that selects this store, or "" if it is the default."""
        return "" if self.uri == get_default_uri() else f" --tracking-uri {strip_credentials(self.uri)}"

    def _ping(self) -> None:
        self._client.search_experiments(max_results=1)

    def _is_reachable(self) -> bool:
        try:
            self._ping()
        except Exception as error:
            # A server that rejects the login is reachable.
            return getattr(error, "error_code", "") in LOGIN_ERROR_CODES
        return True

    def get_or_create_experiment(self, dataset: str) -> str:
        """Return the id of a data set's experiment; create it, or restore it if it was deleted."""
        name = f"harness {dataset}"
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None and experiment.lifecycle_stage == "deleted":
            self.client.restore_experiment(experiment.experiment_id)
        if experiment is not None:
            return str(experiment.experiment_id)
        is_sqlite = self.uri.startswith(SQLITE_PREFIX)
        artifact_location = (
            (get_sqlite_path(self.uri).parent / "mlruns").resolve().as_uri() if is_sqlite else None
        )
        try:
            experiment_id = str(self._client.create_experiment(name, artifact_location=artifact_location))
        except Exception:
            # Either another process has created it in the meantime, or the store is unavailable.
            experiment = self.client.get_experiment_by_name(name)
            if experiment is None:
                raise
            return str(experiment.experiment_id)
        return experiment_id

    def find_artifact_folder(self, dataset: str) -> Path | None:
        """Return the local folder of a data set's artifacts, or None if a server stores them."""
        name = f"harness {dataset}"
        experiment = self.client.get_experiment_by_name(name) if self.exists() else None
        if experiment is None:
            return get_sqlite_path(self.uri).parent / "mlruns" if self.uri.startswith(SQLITE_PREFIX) else None
        location = urlsplit(experiment.artifact_location)
        return Path(url2pathname(location.path)) if location.scheme in ("", "file") else None

    def search_runs(self, filter_string: str, experiment_ids: tuple[str, ...] = ()) -> list[Run]:
        """Return the runs that match `filter_string`, newest first; `()` searches all experiments."""
        if not self.exists():
            return []  # a query would create the file
        from mlflow.entities import ViewType

        ids = list(experiment_ids) or [e.experiment_id for e in self.client.search_experiments()]
        page = self.client.search_runs(ids, filter_string, ViewType.ACTIVE_ONLY, PAGE_SIZE, NEWEST_FIRST)
        runs: list[Run] = list(page)
        while page.token:
            page = self.client.search_runs(
                ids, filter_string, ViewType.ACTIVE_ONLY, PAGE_SIZE, NEWEST_FIRST, page.token
            )
            runs += page
        return runs

    def read_text(self, run: Run, name: str) -> str:
        """Read a text artifact without converting its line ends."""
        if path := _find_local_artifact(run, name):
            return path.read_bytes().decode()
        with tempfile.TemporaryDirectory() as folder:
            return self.download_artifact(run.info.run_id, name, folder).read_bytes().decode()

    def fetch_artifact(self, run: Run, name: str, folder: str) -> Path:
        """Return the path of an artifact: its own if the store is local, otherwise a download in `folder`."""
        return _find_local_artifact(run, name) or self.download_artifact(run.info.run_id, name, folder)

    def log_texts(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Log text artifacts, by file name."""
        for name, text in texts.items():
            self.client.log_text(run_id, text, name)

    def download_artifact(self, run_id: str, name: str, folder: str) -> Path:
        """Download an artifact to `folder`; return the path of the file."""
        from mlflow.artifacts import download_artifacts

        fetch = partial(
            download_artifacts,
            run_id=run_id,
            artifact_path=name,
            dst_path=folder,
            tracking_uri=self.uri,
        )
        return Path(self.retry_policy(fetch))

    def delete_artifact(self, run: Run, name: str) -> None:
        """Delete an artifact of a run, for which MLflow's client has no method."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository: Any = get_artifact_repository(run.info.artifact_uri, tracking_uri=self.uri)
        self.retry_policy(lambda: repository.delete_artifacts(name))

    def log_batch(
        self,
        run_id: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log parameters, metrics without a step, and tags."""
        from mlflow.entities import Param, RunTag

        self.client.log_batch(
            run_id,
            metrics=_build_metrics({0: metrics or {}}),
            params=[Param(name, str(value)) for name, value in (params or {}).items()],
            tags=[RunTag(name, value) for name, value in (tags or {}).items()],
        )

    def log_dataset(self, run_id: str, *, name: str, digest: str, source: str, profile: str) -> None:
        """Log the data of a run. `source` and `profile` are JSON; nothing is read or hashed."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(name=name, digest=digest, source_type="harness", source=source, profile=profile)
        context = [InputTag("mlflow.data.context", "training")]
        self.client.log_inputs(run_id, [DatasetInput(dataset, context)])

    def log_steps(self, run_id: str, steps: Mapping[int, Mapping[str, float]]) -> None:
        """Log metrics by step, all in one call."""
        self.client.log_batch(run_id, metrics=_build_metrics(steps), params=[], tags=[])


def _find_local_artifact(run: Run, name: str) -> Path | None:
    """Return the path of an artifact on this machine; None if a server stores it.

    MLflow's download would look up the run twice and copy the file.
    """
    location = urlsplit(run.info.artifact_uri)
    return Path(url2pathname(location.path)) / name if location.scheme == "file" else None


def create_system_monitor() -> SystemMonitor:
    """Return MLflow's monitor of the CPU, GPU, memory, disk and network; only its readings are used."""
    from mlflow.system_metrics import system_metrics_monitor

    module: Any = system_metrics_monitor  # it has no types
    return cast(SystemMonitor, module.SystemMetricsMonitor(run_id="", tracking_uri="sqlite://"))


def _build_metrics(steps: Mapping[int, Mapping[str, float]]) -> list[Metric]:
    from mlflow.entities import Metric

    timestamp = int(time.time() * 1000)
    return [
        Metric(name, float(value), timestamp, step)
        for step, values in steps.items()
        for name, value in values.items()
    ]
