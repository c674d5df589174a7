"""Where the ledger lies, and how long an address that does not answer is tried."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from datasets.pixels.store import get_cache_dir

USER_VAR, PASSWORD_VAR = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
RETRIES_VAR = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SQLITE_PREFIX = "sqlite:///"


def get_default_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or the SQLite file beside the working folder that a plain `mlflow ui` opens."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def strip_credentials(uri: str) -> str:
    """The address as people may see it: a password may hold any character, so all before the last @ goes."""
    if uri.startswith(SQLITE_PREFIX):
        return uri
    return re.sub(r"^([\w+.-]+://)?.*@", r"\1…@", uri).partition("?")[0]


def extract_credentials(uri: str) -> str:
    """A server's address less the login in it, which goes where MLflow's client looks for one.

    MLflow writes the address whole into its messages.
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
    """Where this machine keeps what it knows of a ledger beside the ledger: claims, and unfinished training.

    Raises:
        ValueError: the cache cannot be written.
    """
    folder = get_cache_dir() / "unfinished" / hashlib.sha256(uri.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise ValueError(
            f"the cache {folder} cannot be written ({error.strerror}); name another in HARNESS_CACHE"
        ) from error
    return folder


@contextmanager
def limit_retries() -> Iterator[None]:
    """MLflow tries a server for minutes; an address that is wrong should be told at once."""
    previous = os.environ.get(RETRIES_VAR)
    os.environ[RETRIES_VAR] = "1"
    try:
        yield
    finally:
        os.environ.pop(RETRIES_VAR)
        if previous is not None:
            os.environ[RETRIES_VAR] = previous
