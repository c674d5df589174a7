"""Where the ledger lies, and how long an address that does not answer is tried."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SQLITE = "sqlite:///"


def default_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or the SQLite file beside the working folder that a plain `mlflow ui` opens."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def without_credentials(uri: str) -> str:
    """The address as people may see it."""
    return re.sub(r"//[^/@]*@", "//…@", uri)


@contextmanager
def few_retries() -> Iterator[None]:
    """MLflow tries a server for minutes; an address that is wrong should be told at once."""
    before = os.environ.get(RETRIES)
    os.environ[RETRIES] = "1"
    try:
        yield
    finally:
        os.environ.pop(RETRIES)
        if before is not None:
            os.environ[RETRIES] = before
