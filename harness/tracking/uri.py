"""The tracking URI: its default, its credentials, and the local folder of a store."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from datasets.io.cache_files import get_cache_dir

USER_VAR, PASSWORD_VAR = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
SQLITE_PREFIX = "sqlite:///"


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
