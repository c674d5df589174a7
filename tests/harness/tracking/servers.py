"""PostgreSQL and `mlflow server` as a team would run them: real processes on one machine."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

SECONDS = 120.0
"""Seconds after which a server that has not answered is considered broken."""
OWNER, OWNERS_PASSWORD = "mlflow", "of-the-database"


def initdb() -> Path | None:
    """Return the path of the newest `initdb` of PostgreSQL; on Debian it is not on the PATH."""
    if program := shutil.which("initdb"):
        return Path(program).resolve()
    folders = (*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin"))
    programs = [path for folder in folders if (path := folder / "initdb").is_file()]
    return max(programs, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], default=None)


def free_port() -> int:
    """Return an unused loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running PostgreSQL without databases of the tests."""

    port: int

    def uri(self, database: str) -> str:
        """Return the database's address; it names the driver because SQLAlchemy 2.1 has another default."""
        return f"postgresql+psycopg2://{OWNER}:{OWNERS_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def connection(self, database: str) -> Any:
        """Return a connection to the database with autocommit."""
        options = {"host": "127.0.0.1", "port": self.port, "user": OWNER, "password": OWNERS_PASSWORD}
        connection = psycopg2.connect(dbname=database, **options)
        connection.autocommit = True
        return connection

    def create(self, database: str, *, template: str = "template1") -> str:
        """Create a database as a copy of `template`, by default an empty one; return its address."""
        with closing(self.connection("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.uri(database)

    def text(self, database: str) -> str:
        """Return every row of every table as text."""
        named = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        rows = []
        with closing(self.connection(database)) as connection, connection.cursor() as cursor:
            cursor.execute(named)
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT t::text FROM "{table}" t')
                rows += [row for (row,) in cursor.fetchall()]
        return "\n".join(rows)


@contextmanager
def postgres(initdb: Path) -> Iterator[Cluster]:
    """Run a PostgreSQL cluster in a temporary folder, as an unprivileged user if this process is root."""
    # Not in pytest's folder, which other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="harness-postgres-"))
    data, password = folder / "data", folder / "password"
    password.write_text(OWNERS_PASSWORD)
    popen_options = _unprivileged_options(folder, password)
    port = free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    named = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = None
    try:
        initdb_command = (
            str(initdb),
            "-D",
            str(data),
            "-U",
            OWNER,
            "--pwfile",
            str(password),
            "--auth=scram-sha-256",
        )
        plain = ("--encoding=UTF8", "--no-locale", "--no-sync")
        subprocess.run((*initdb_command, *plain), check=True, stdout=subprocess.DEVNULL, **popen_options)
        command = (str(initdb.with_name("postgres")), "-D", str(data), "-p", str(port), *named)
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, **popen_options)
        cluster = Cluster(port=port)
        _wait(lambda: cluster.connection("postgres").close(), server, log=folder / "log")
        yield cluster
    finally:
        if server:
            # PostgreSQL's fast shutdown closes open connections.
            server.send_signal(signal.SIGINT)
            server.wait(SECONDS)
        shutil.rmtree(folder)


def _unprivileged_options(*paths: Path) -> dict[str, Any]:
    """Return `Popen` options that run PostgreSQL as a user other than root, the new owner of `paths`."""
    popen_options: dict[str, Any] = {"cwd": paths[0]}
    if os.geteuid() != 0:
        return popen_options
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    for path in paths:
        os.chown(path, user.pw_uid, user.pw_gid)
    return {**popen_options, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    """`mlflow server` with one worker; `artifacts` is its artifact folder, `log` the file of its output."""

    def __init__(
        self, folder: Path, store: str, *, options: tuple[str, ...] = (), variables: Mapping[str, str]
    ) -> None:
        self.artifacts, self.log, self.folder = folder / "artifacts", folder / "server.log", folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        where = ("--backend-store-uri", store, "--artifacts-destination", str(self.artifacts))
        self._command = (sys.executable, "-m", "mlflow", "server", *where, *options, "--host", "127.0.0.1")
        # Disable its job runner for evaluations of language models: eight unused processes.
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self._environment = {**os.environ, **quiet, **variables}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = (*self._command, "--port", str(self.port), "--workers", "1")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _wait(lambda: urllib.request.urlopen(f"{self.uri}/health").close(), self._process, log=self.log)

    def end(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the server and its workers."""
        assert self._process
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal_number)
        self._process.wait(SECONDS)

    def with_login(self, user: str, password: str) -> str:
        """Return the address with user and password in it."""
        return self.uri.replace("//", f"//{quote(user, safe='')}:{quote(password, safe='')}@")


@contextmanager
def serve(server: Server) -> Iterator[Server]:
    """Start the server and stop it at the end of the context."""
    try:
        server.start()
        yield server
    finally:
        server.end()


def _wait(probe: Callable[[], None], process: subprocess.Popen[bytes], *, log: Path) -> None:
    """Wait until `probe` raises no error; raise AssertionError with the log if this never happens."""
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            return probe()
        except (OSError, psycopg2.OperationalError):
            time.sleep(0.1)
    raise AssertionError(f"no answer from {process.args!r}:\n{log.read_text()}")
