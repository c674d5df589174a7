"""The tracking URI: its default, its credentials, and the local folder of a store."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from datasets.io.cache_files import get_cache_dir

USER_VAR, PASSWORD_VAR = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
RETRIES_VAR = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SQLITE_PREFIX = "sqlite:///"


def get_default_uri() -> str:
    """Return `MLFLOW_TRACKING_URI`, or the default of `mlflow ui`: mlflow.db in the working folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def strip_credentials(uri: str) -> str:
    """Return the URI without credentials: all text before the last @, as a password may contain an @."""
    if uri.startswith(SQLITE_PREFIX):
        return uri
    return re.sub(r"^([\w+.-]+://)?.*@", r"\1…@", uri).partition("?")[0]


def extract_credentials(uri: str) -> str:
    """Remove the login from a server's URI and set it as the environment variables that MLflow reads.

    MLflow would print the whole URI in its messages.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return uri
    if parts.username:
        os.environ[USER_VAR] = unquote(parts.username)
    if parts.password:
        os.environ[PASSWORD_VAR] = unquote(parts.password)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def create_local_folder(uri: str) -> Path:
    """Create and return this machine's folder for a store: lock files and checkpoints.

    Raises:
        ValueError: the cache cannot be written.
    """
    folder = get_cache_dir() / "unfinished" / hashlib.sha256(uri.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise ValueError(
            f"the cache {folder} cannot be written ({error.strerror}); set HARNESS_CACHE to another folder"
        ) from error
    return folder


@contextmanager
def limit_retries() -> Iterator[None]:
    """Limit MLflow to one retry within the `with` block, so that a wrong address is reported quickly."""
    previous = os.environ.get(RETRIES_VAR)
    os.environ[RETRIES_VAR] = "1"
    try:
        yield
    finally:
        os.environ.pop(RETRIES_VAR)
        if previous is not None:
            os.environ[RETRIES_VAR] = previous
