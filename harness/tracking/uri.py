"""The tracking URI: its default, its credentials, and the local folder of a store."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from datasets.io.cache_files import get_cache_dir
from harness.errors import HarnessError, is_full_disk
from harness.output_folders import check_file_writable, check_writable
from harness.tracking.retry import get_timeout
from harness.tracking.sqlite import is_foreign

USER_VAR, PASSWORD_VAR = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
SQLITE_PREFIX = "sqlite:///"
STORE_OPTION = f"--tracking-uri {SQLITE_PREFIX}FILE or MLFLOW_TRACKING_URI"
"""How to select another local store."""

MLFLOW_TABLES = ("experiments", "latest_metrics")
"""Some tables of an MLflow database, to recognize one."""


def get_default_uri() -> str:
    """Return `MLFLOW_TRACKING_URI`, or the default of `mlflow ui`: mlflow.db in the working folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def strip_credentials(uri: str) -> str:
    """Return the URI without credentials: all text before the last @, as a password may contain an @."""
    if uri.startswith(SQLITE_PREFIX):
        return uri
    return re.sub(r"^([\w+.-]+://)?.*@", r"\1…@", uri).partition("?")[0]


def has_login(uri: str) -> bool:
    """Return True if a server's URI contains a login."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and "@" in parts.netloc


def extract_credentials(uri: str) -> str:
    """Remove the login from a server's URI and set it as the environment variables that MLflow reads.

    MLflow would print the whole URI in its messages. Only the command line calls this function.
    """
    if not has_login(uri):
        return uri
    parts = urlsplit(uri)
    if parts.username:
        os.environ[USER_VAR] = unquote(parts.username)
    if parts.password:
        os.environ[PASSWORD_VAR] = unquote(parts.password)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def create_local_folder(uri: str) -> Path:
    """Create and return this machine's folder for a store: lock files and checkpoints.

    Raises:
        HarnessError: the cache cannot be written.
    """
    folder = get_cache_dir() / "unfinished" / hashlib.sha256(uri.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if is_full_disk(error):
            raise
        raise HarnessError(
            "cache-folder.not-writable",
            f"the cache {folder}, for locks and checkpoints, cannot be written ({error.strerror}); set "
            "HARNESS_CACHE to another folder",
        ) from error
    return folder


def is_local(uri: str) -> bool:
    """Return True if a tracking URI is not that of an HTTP server."""
    return not uri.startswith(("http://", "https://"))


def get_sqlite_path(uri: str) -> Path:
    """Return the path in a SQLite URI, without the driver's options."""
    return Path(uri.removeprefix(SQLITE_PREFIX).partition("?")[0])


def store_exists(uri: str) -> bool:
    """Return True if a tracking URI names a server or an existing SQLite file."""
    return not uri.startswith(SQLITE_PREFIX) or get_sqlite_path(uri).is_file()


def get_lock_path(uri: str) -> Path:
    """Return a SQLite store's lock file, in the temporary folder so that queries leave no files behind."""
    user = getattr(os, "getuid", int)()  # users share the folder but cannot lock each other's files
    digest = hashlib.sha256(f"{user} {uri}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"harness-{digest}.lock"


def check_store_writable(uri: str) -> None:
    """Check that an existing SQLite file, and the folder of its artifacts beside it, can be written.

    Raises:
        ValueError: they cannot; the message says what to do.
    """
    file = get_sqlite_path(uri)
    if not uri.startswith(SQLITE_PREFIX) or not file.exists():
        return
    check_file_writable(file, label="the tracking store", option=STORE_OPTION)
    if (artifact_folder := file.parent / "mlruns").exists():
        check_writable(
            artifact_folder,
            label="the tracking store's folder of artifacts",
            contents="files of the runs",
            option=STORE_OPTION,
        )


def check_uri_and_timeout(uri: str) -> None:
    """Check that the URI is not empty and that HARNESS_PATIENCE is valid; raise HarnessError otherwise."""
    if not uri.removeprefix(SQLITE_PREFIX):
        raise HarnessError(
            "tracking-uri.empty",
            f"--tracking-uri takes http://HOST:PORT or {SQLITE_PREFIX}FILE; got {uri!r}: leave it out "
            "(./mlflow.db)",
        )
    get_timeout()


def check_uri(uri: str) -> None:
    """Check that the URI is valid, and that a SQLite file is an MLflow database or can be created.

    MLflow would retry a file that it cannot open many times and log each attempt.

    Raises:
        HarnessError: the URI is empty, it names a folder or another kind of file, or its folder cannot be
            written.
    """
    check_uri_and_timeout(uri)
    if not uri.startswith(SQLITE_PREFIX):
        return
    file = get_sqlite_path(uri)
    if not file.exists():
        check_writable(
            file.parent,
            label="the tracking store's folder",
            contents=f"runs ({file.name} and the folder mlruns)",
            option=STORE_OPTION,
        )
    if is_foreign(file, tables=MLFLOW_TABLES):
        raise HarnessError(
            "tracking-store.not-mlflow",
            f"the tracking store {uri} is not a readable MLflow database; pass an existing or new "
            f"{SQLITE_PREFIX}FILE",
        )
