"""Tests of a team's tracking server: PostgreSQL, several studies at once, logins that stay secret."""

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow.entities import ViewType

from harness.tracking.tags import PARENT_TAG, STUDY_TAG
from harness.tracking.tracker import Tracker
from harness.tracking.uri import strip_credentials
from tests.harness.processes import Ended, create_tables, ended, fork
from tests.harness.tiny import LOGIN, Run
from tests.harness.tracking.servers import Cluster, Server, initdb, postgres, running

pytestmark = pytest.mark.slow

SMALL = ("--preset", "quick", "--epochs", "1", "--image-size", "32", "--width", "0.0625")
TINY = (*SMALL, "--device", "cpu", "--engine", "eager")
TABLES = "tables"
"""Database with MLflow's empty tables, which are created once and copied."""

ADMIN, USER, COLLEAGUE, READER = "root", "ann", "ben", "cleo"
PASSWORD, WRONG = "gudgeon/trout@12", "gudgeon/trout@13"
SECRETS = (
    b"gudgeon",
    b"trout",
    *(base64.b64encode(f"{user}:{PASSWORD}".encode()) for user in (USER, COLLEAGUE)),
)
AUTH = """[mlflow]
default_permission = READ
database_uri = {database}
admin_username = {admin}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


def study(tree: Path, only: str) -> tuple[object, ...]:
    """Return the `harness` arguments of a tiny comparison."""
    return ("compare", "--only", only, *on(tree))


def on(tree: Path) -> tuple[object, ...]:
    """Return the data and size options of a tiny study."""
    return ("--dataset", "casme2", "--root", tree, *TINY)


def told(*texts: str | Path) -> list[str]:
    """Return the lines of texts, and the files below folders, that contain a password."""
    files = [file for text in texts if isinstance(text, Path) for file in text.rglob("*") if file.is_file()]
    found = [str(file) for file in files if any(secret in file.read_bytes() for secret in SECRETS)]
    lines = [line for text in texts if isinstance(text, str) for line in text.splitlines()]
    return found + [line for line in lines if any(secret in line.encode() for secret in SECRETS)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a PostgreSQL cluster for these tests."""
    found = initdb()
    if found is None:
        pytest.skip("PostgreSQL is not on this machine (no initdb): apt-get install postgresql")
    with postgres(found) as cluster:
        create_tables(cluster.create(TABLES))
        yield cluster


@pytest.fixture(scope="module")
def open_server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server without login."""
    folder = tmp_path_factory.mktemp("open")
    with running(Server(folder, cluster.create("open", template=TABLES), variables={})) as server:
        yield server


@pytest.fixture(scope="module")
def closed_server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server that requires user and password."""
    folder = tmp_path_factory.mktemp("closed")
    settings = folder / "auth.ini"
    settings.write_text(AUTH.format(database=cluster.create("users"), admin=ADMIN))
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "signs-forms",
    }
    options = ("--app-name", "basic-auth")
    with running(
        Server(folder, cluster.create("closed", template=TABLES), options=options, variables=variables)
    ) as server:
        for user in (USER, COLLEAGUE, READER):
            named = {"username": user, "password": PASSWORD}
            administer(server, "2.0/mlflow/users/create", **named)
        yield server


def administer(server: Server, what: str, **given: str) -> None:
    """Send a request to the closed server as its administrator."""
    requests.post(f"{server.uri}/api/{what}", json=given, auth=(ADMIN, PASSWORD)).raise_for_status()


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set Ann's login in MLflow's environment variables."""
    for variable, value in zip(LOGIN, (USER, PASSWORD), strict=True):
        monkeypatch.setenv(variable, value)


@pytest.fixture(scope="module")
def at_once(open_server: Server, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Ended]:
    """Run three studies that share cells, started together on a server that does not know their data set."""
    commands = [("ablate", *on(tree)), study(tree, "vgg16,proposed"), study(tree, "proposed")]
    folders = [tmp_path_factory.mktemp("at-once") for _ in commands]
    where = ("--tracking-uri", open_server.uri)
    begun = [fork(folder, *args, *where) for folder, args in zip(folders, commands, strict=True)]
    return [ended(process, folder) for process, folder in zip(begun, folders, strict=True)]


def test_studies_that_share_cells_log_at_once_and_each_is_whole(
    at_once: list[Ended], open_server: Server
) -> None:
    for done in at_once:
        assert done.status == 0, done.err
    ledger = Tracker(open_server.uri)
    answers: dict[str, set[object]] = {}
    for (folder,) in (list(done.folder.glob("results/*")) for done in at_once):
        found, _ = ledger.load_study(folder.name)
        assert [r.spec.key for r in found.results] == [spec.key for spec in found.study.list_runs()]
        for result in found.results:
            answers.setdefault(result.spec.key, set()).add(result.predictions)
    assert len(answers) == 5, "vgg16 and the proposed network are the ladder's ends"
    assert all(len(same) == 1 for same in answers.values())
    experiment = ledger.client.get_experiment_by_name("harness casme2")
    assert experiment
    runs = ledger.client.search_runs([experiment.experiment_id], "", ViewType.ACTIVE_ONLY)
    assert {run.info.status for run in runs} == {"FINISHED"}
    parents = {run.info.run_id for run in runs if STUDY_TAG in run.data.tags}
    assert {run.data.tags[PARENT_TAG] for run in runs if PARENT_TAG in run.data.tags} == parents


def test_a_study_lies_on_the_server_alone_and_its_report_is_the_same_from_elsewhere(
    at_once: list[Ended], open_server: Server, harness: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = {path.name for path in open_server.artifacts.rglob("*") if path.is_file()}
    assert {"study.json", "result.json", "predictions.csv", "weights.safetensors", "samples.png"} <= kept
    monkeypatch.setenv("MLFLOW_TRACKING_URI", open_server.uri)
    for done in at_once:
        assert {path.name for path in done.folder.iterdir()} == {"results", "cache"}
        (first,) = (path.parent for path in done.folder.glob("results/*/report.md"))
        status, out, err = harness("report", first.name)
        assert (status, err) == (0, "")
        again = Path(out.strip()).parent
        written = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
        assert written == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
        assert all((again / name).read_bytes() == (first / name).read_bytes() for name in written)
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


def test_two_that_log_a_data_set_first_share_itsexperiment(
    open_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Tracker(open_server.uri), Tracker(open_server.uri)
    look = second.client.get_experiment_by_name
    made: list[str] = []

    def overtaken(name: str) -> object:
        seen = look(name)
        if not made:
            made.append(first.get_or_create_experiment("raced"))
        return seen

    monkeypatch.setattr(second.client, "get_experiment_by_name", overtaken)
    assert second.get_or_create_experiment("raced") == made[0]


@pytest.fixture(scope="module")
def signed_in(closed_server: Server, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Run a study as Ann, with her login in the address."""
    folder = tmp_path_factory.mktemp("signed-in")
    where = ("--tracking-uri", closed_server.with_login(USER, PASSWORD))
    return ended(fork(folder, *study(tree, "proposed"), *where, "--json"), folder)


def test_a_login_in_the_address_opens_a_server(signed_in: Ended, closed_server: Server) -> None:
    assert signed_in.status == 0, signed_in.err
    assert {path.name for path in signed_in.folder.iterdir()} == {"results", "cache"}
    assert list(closed_server.artifacts.rglob("weights.safetensors"))


def test_a_study_on_a_server_says_json_and_nothing_else(signed_in: Ended) -> None:
    assert json.loads(signed_in.out)["failures"] == []


def test_a_study_tells_nobody_its_login(signed_in: Ended, closed_server: Server, cluster: Cluster) -> None:
    assert told(signed_in.out, signed_in.err, signed_in.folder) == []
    assert told(closed_server.artifacts, closed_server.log.read_text(), cluster.text("closed")) == []


@pytest.mark.usefixtures("login")
def test_a_login_in_the_environment_opens_a_server(
    signed_in: Ended, closed_server: Server, harness: Run, tmp_path: Path
) -> None:
    status, out, err = harness("report", "--tracking-uri", closed_server.uri)
    assert (status, err) == (0, "")
    (report,) = signed_in.folder.glob("results/*/report.md")
    assert Path(out.strip()).read_bytes() == report.read_bytes()
    assert told(out, tmp_path) == []


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("kind", ["dry run", "listing", "interface", "prediction of no run"])
def test_no_command_tells_a_login(
    closed_server: Server, harness: Run, tree: Path, tmp_path: Path, kind: str
) -> None:
    args, status = {
        "dry run": ((*study(tree, "proposed"), "--dry-run", "--json"), 0),
        "listing": (("report", "--list"), 0),
        "interface": (("ui",), 2),
        "prediction of no run": (("predict", "abcdef12", tree), 2),
    }[kind]
    found, out, err = harness(*args, "--tracking-uri", closed_server.with_login(USER, PASSWORD))
    assert (found, told(out, err, tmp_path)) == (status, []), err


@pytest.mark.parametrize("where", ["address", "environment", "nowhere"])
def test_a_login_that_is_not_taken_is_said_so(
    closed_server: Server, harness: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    uri = closed_server.with_login(USER, WRONG) if where == "address" else closed_server.uri
    if where == "environment":
        for variable, value in zip(LOGIN, (USER, WRONG), strict=True):
            monkeypatch.setenv(variable, value)
    status, out, err = harness("report", "--tracking-uri", uri)
    assert (status, out, told(err, tmp_path)) == (2, "", [])
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "MLFLOW_TRACKING_USERNAME" in err
    assert "start the server" not in err, "it answers: it is the login that is wrong"


@pytest.mark.usefixtures("signed_in")
def test_whoever_may_only_read_is_told_what_is_missing(
    closed_server: Server, harness: Run, tree: Path
) -> None:
    where = ("--tracking-uri", closed_server.with_login(READER, PASSWORD))
    assert harness("report", "--list", *where)[0] == 0
    status, _, err = harness(*study(tree, "proposed"), *where)
    assert status == 2
    assert "EDIT" in err.splitlines()[-1]


@pytest.fixture(scope="module")
def killed(
    signed_in: Ended, closed_server: Server, tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Ended:
    """Run a study as Ben; its server is killed during the second cell and restarted after the study."""
    assert signed_in.status == 0, "Ann's study makes the experiment that Ben is let into"
    kind, grant = {"resource_type": "experiment", "resource_id": "1"}, "3.0/mlflow/users/permissions/grant"
    administer(closed_server, grant, username=COLLEAGUE, permission="EDIT", **kind)
    folder = tmp_path_factory.mktemp("killed")
    args = (*study(tree, "vgg16,proposed"), "--tracking-uri", closed_server.with_login(COLLEAGUE, PASSWORD))
    process = fork(folder, *args, "--epochs", "4", MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", HARNESS_PATIENCE="1")
    seen = []
    assert process.stderr
    for line in process.stderr:
        seen.append(line)
        if line.startswith("[2/2]"):
            break
    closed_server.end(signal.SIGKILL)
    try:
        return ended(process, folder, seen="".join(seen))
    finally:
        closed_server.start()


def test_a_study_whose_server_is_killed_ends_with_one_message_and_goes_on_later(
    killed: Ended, closed_server: Server, harness: Run, tree: Path
) -> None:
    assert killed.status == 1, killed.err
    assert killed.err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in killed.err
    where = ("--tracking-uri", closed_server.with_login(COLLEAGUE, PASSWORD))
    status, _, err = harness(*study(tree, "vgg16,proposed"), "--epochs", "4", *where)
    assert status == 0, err
    assert "reused" in err


def test_a_study_whose_server_is_killed_tells_nobody_its_login(killed: Ended) -> None:
    assert told(killed.out, killed.err, killed.folder) == []


@pytest.mark.usefixtures("signed_in", "killed")
def test_the_store_keeps_no_login(closed_server: Server, cluster: Cluster) -> None:
    assert "harness.study" in cluster.text("closed")
    assert told(cluster.text("closed"), closed_server.artifacts, closed_server.log.read_text()) == []


def test_a_server_that_is_down_is_named_without_its_login(harness: Run, tree: Path, tmp_path: Path) -> None:
    tiny = study(tree, "proposed")
    for args in (tiny, (*tiny, "--dry-run"), ("report",), ("predict", "abcdef12", tree)):
        uri = f"http://{USER}:gudgeon%2Ftrout@127.0.0.1:9"
        status, out, err = harness(*args, "--tracking-uri", uri)
        assert (status, told(out, err, tmp_path)) == (2, [])
        assert "127.0.0.1:9" in err


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:gudgeon@trout@127.0.0.1:5000",
        "http://ann:gudgeon/trout@127.0.0.1:5000",
        "postgresql+psycopg2://127.0.0.1/mlflow?user=ann&password=gudgeon",
    ],
)
def test_no_part_of_a_password_is_shown_however_it_is_written(uri: str) -> None:
    shown = strip_credentials(uri)
    assert told(shown) == []
    assert "127.0.0.1" in shown
