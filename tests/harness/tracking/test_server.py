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
from tests.harness.processes import ProcessResult, create_tables, finish, fork
from tests.harness.tiny import LOGIN, Run
from tests.harness.tracking.servers import Cluster, Server, initdb, postgres, serve

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
    return ("compare", "--only", only, *study_options(tree))


def study_options(tree: Path) -> tuple[object, ...]:
    """Return the data and size options of a tiny study."""
    return ("--dataset", "casme2", "--root", tree, *TINY)


def find_secrets(*texts: str | Path) -> list[str]:
    """Return the lines of texts, and the files below folders, that contain a password."""
    files = [file for text in texts if isinstance(text, Path) for file in text.rglob("*") if file.is_file()]
    paths = [str(file) for file in files if any(secret in file.read_bytes() for secret in SECRETS)]
    lines = [line for text in texts if isinstance(text, str) for line in text.splitlines()]
    return paths + [line for line in lines if any(secret in line.encode() for secret in SECRETS)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a PostgreSQL cluster for these tests."""
    program = initdb()
    if program is None:
        pytest.skip("PostgreSQL is not on this machine (no initdb): apt-get install postgresql")
    with postgres(program) as cluster:
        create_tables(cluster.create(TABLES))
        yield cluster


@pytest.fixture(scope="module")
def open_server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server without login."""
    folder = tmp_path_factory.mktemp("open")
    with serve(Server(folder, cluster.create("open", template=TABLES), variables={})) as server:
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
    with serve(
        Server(folder, cluster.create("closed", template=TABLES), options=options, variables=variables)
    ) as server:
        for user in (USER, COLLEAGUE, READER):
            named = {"username": user, "password": PASSWORD}
            administer(server, "2.0/mlflow/users/create", **named)
        yield server


def administer(server: Server, endpoint: str, **fields: str) -> None:
    """Send a request to the closed server as its administrator."""
    requests.post(f"{server.uri}/api/{endpoint}", json=fields, auth=(ADMIN, PASSWORD)).raise_for_status()


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set Ann's login in MLflow's environment variables."""
    for variable, value in zip(LOGIN, (USER, PASSWORD), strict=True):
        monkeypatch.setenv(variable, value)


@pytest.fixture(scope="module")
def concurrent_runs(
    open_server: Server, tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[ProcessResult]:
    """Run three studies that share cells, started together on a server that does not know their data set."""
    commands = [("ablate", *study_options(tree)), study(tree, "vgg16,proposed"), study(tree, "proposed")]
    folders = [tmp_path_factory.mktemp("at-once") for _ in commands]
    uri_options = ("--tracking-uri", open_server.uri)
    processes = [fork(folder, *args, *uri_options) for folder, args in zip(folders, commands, strict=True)]
    return [finish(process, folder) for process, folder in zip(processes, folders, strict=True)]


def test_concurrent_studies_share_cells_and_are_complete(
    concurrent_runs: list[ProcessResult], open_server: Server
) -> None:
    for finished in concurrent_runs:
        assert finished.status == 0, finished.err
    tracker = Tracker(open_server.uri)
    predictions: dict[str, set[object]] = {}
    for (folder,) in (list(finished.folder.glob("results/*")) for finished in concurrent_runs):
        study_result, _ = tracker.reader.load_study(folder.name)
        assert [r.spec.key for r in study_result.results] == [
            spec.key for spec in study_result.study.list_runs()
        ]
        for result in study_result.results:
            predictions.setdefault(result.spec.key, set()).add(result.predictions)
    assert len(predictions) == 5, "vgg16 and the proposed network are the ladder's ends"
    assert all(len(same) == 1 for same in predictions.values())
    experiment = tracker.store.client.get_experiment_by_name("harness casme2")
    assert experiment
    runs = tracker.store.client.search_runs([experiment.experiment_id], "", ViewType.ACTIVE_ONLY)
    assert {run.info.status for run in runs} == {"FINISHED"}
    parents = {run.info.run_id for run in runs if STUDY_TAG in run.data.tags}
    assert {run.data.tags[PARENT_TAG] for run in runs if PARENT_TAG in run.data.tags} == parents


def test_study_on_the_server_has_the_same_report_from_another_folder(
    concurrent_runs: list[ProcessResult],
    open_server: Server,
    harness: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    names = {path.name for path in open_server.artifacts.rglob("*") if path.is_file()}
    assert {"study.json", "result.json", "predictions.csv", "weights.safetensors", "samples.png"} <= names
    monkeypatch.setenv("MLFLOW_TRACKING_URI", open_server.uri)
    for finished in concurrent_runs:
        assert {path.name for path in finished.folder.iterdir()} == {"results", "cache"}
        (first,) = (path.parent for path in finished.folder.glob("results/*/report.md"))
        status, out, err = harness("report", first.name)
        assert (status, err) == (0, "")
        again = Path(out.strip()).parent
        written = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
        assert written == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
        assert all((again / name).read_bytes() == (first / name).read_bytes() for name in written)
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


def test_concurrent_runs_share_a_new_experiment(open_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Tracker(open_server.uri), Tracker(open_server.uri)
    look = second.store.client.get_experiment_by_name
    experiments: list[str] = []

    def create_concurrently(name: str) -> object:
        seen = look(name)
        if not experiments:
            experiments.append(first.store.get_or_create_experiment("raced"))
        return seen

    monkeypatch.setattr(second.store.client, "get_experiment_by_name", create_concurrently)
    assert second.store.get_or_create_experiment("raced") == experiments[0]


@pytest.fixture(scope="module")
def study_of_ann(
    closed_server: Server, tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> ProcessResult:
    """Run a study as Ann, with her login in the address."""
    folder = tmp_path_factory.mktemp("signed-in")
    uri_options = ("--tracking-uri", closed_server.with_login(USER, PASSWORD))
    return finish(fork(folder, *study(tree, "proposed"), *uri_options, "--json"), folder)


def test_login_in_the_address_opens_a_server(study_of_ann: ProcessResult, closed_server: Server) -> None:
    assert study_of_ann.status == 0, study_of_ann.err
    assert {path.name for path in study_of_ann.folder.iterdir()} == {"results", "cache"}
    assert list(closed_server.artifacts.rglob("weights.safetensors"))


def test_study_on_a_server_prints_only_json(study_of_ann: ProcessResult) -> None:
    assert json.loads(study_of_ann.out)["failures"] == []


def test_study_never_prints_its_login(
    study_of_ann: ProcessResult, closed_server: Server, cluster: Cluster
) -> None:
    assert find_secrets(study_of_ann.out, study_of_ann.err, study_of_ann.folder) == []
    assert find_secrets(closed_server.artifacts, closed_server.log.read_text(), cluster.text("closed")) == []


@pytest.mark.usefixtures("login")
def test_login_in_the_environment_opens_a_server(
    study_of_ann: ProcessResult, closed_server: Server, harness: Run, tmp_path: Path
) -> None:
    status, out, err = harness("report", "--tracking-uri", closed_server.uri)
    assert (status, err) == (0, "")
    (report,) = study_of_ann.folder.glob("results/*/report.md")
    assert Path(out.strip()).read_bytes() == report.read_bytes()
    assert find_secrets(out, tmp_path) == []


@pytest.mark.usefixtures("study_of_ann")
@pytest.mark.parametrize("kind", ["dry run", "listing", "interface", "prediction of no run"])
def test_no_command_prints_a_login(
    closed_server: Server, harness: Run, tree: Path, tmp_path: Path, kind: str
) -> None:
    args, status = {
        "dry run": ((*study(tree, "proposed"), "--dry-run", "--json"), 0),
        "listing": (("report", "--list"), 0),
        "interface": (("ui",), 2),
        "prediction of no run": (("predict", "abcdef12", tree), 2),
    }[kind]
    exit_status, out, err = harness(*args, "--tracking-uri", closed_server.with_login(USER, PASSWORD))
    assert (exit_status, find_secrets(out, err, tmp_path)) == (status, []), err


@pytest.mark.parametrize("login_source", ["address", "environment", "nowhere"])
def test_rejected_login_is_an_error(
    closed_server: Server, harness: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, login_source: str
) -> None:
    uri = closed_server.with_login(USER, WRONG) if login_source == "address" else closed_server.uri
    if login_source == "environment":
        for variable, value in zip(LOGIN, (USER, WRONG), strict=True):
            monkeypatch.setenv(variable, value)
    status, out, err = harness("report", "--tracking-uri", uri)
    assert (status, out, find_secrets(err, tmp_path)) == (2, "", [])
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "MLFLOW_TRACKING_USERNAME" in err
    assert "start the server" not in err, "the server is available, only the login is wrong"


@pytest.mark.usefixtures("study_of_ann")
def test_reader_error_names_the_missing_permission(closed_server: Server, harness: Run, tree: Path) -> None:
    uri_options = ("--tracking-uri", closed_server.with_login(READER, PASSWORD))
    assert harness("report", "--list", *uri_options)[0] == 0
    status, _, err = harness(*study(tree, "proposed"), *uri_options)
    assert status == 2
    assert "EDIT" in err.splitlines()[-1]


@pytest.fixture(scope="module")
def study_of_ben(
    study_of_ann: ProcessResult, closed_server: Server, tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> ProcessResult:
    """Run a study as Ben; its server is killed during the second cell and restarted after the study."""
    assert study_of_ann.status == 0, "Ann's study creates the experiment that Ben may edit"
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
        return finish(process, folder, seen="".join(seen))
    finally:
        closed_server.start()


def test_study_with_killed_server_ends_with_a_message_and_resumes(
    study_of_ben: ProcessResult, closed_server: Server, harness: Run, tree: Path
) -> None:
    assert study_of_ben.status == 1, study_of_ben.err
    assert study_of_ben.err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in study_of_ben.err
    uri_options = ("--tracking-uri", closed_server.with_login(COLLEAGUE, PASSWORD))
    status, _, err = harness(*study(tree, "vgg16,proposed"), "--epochs", "4", *uri_options)
    assert status == 0, err
    assert "reused" in err


def test_study_with_killed_server_never_prints_its_login(study_of_ben: ProcessResult) -> None:
    assert find_secrets(study_of_ben.out, study_of_ben.err, study_of_ben.folder) == []


@pytest.mark.usefixtures("study_of_ann", "study_of_ben")
def test_store_has_no_login(closed_server: Server, cluster: Cluster) -> None:
    assert "harness.study" in cluster.text("closed")
    assert find_secrets(cluster.text("closed"), closed_server.artifacts, closed_server.log.read_text()) == []


def test_unavailable_server_is_named_without_its_login(harness: Run, tree: Path, tmp_path: Path) -> None:
    tiny = study(tree, "proposed")
    for args in (tiny, (*tiny, "--dry-run"), ("report",), ("predict", "abcdef12", tree)):
        uri = f"http://{USER}:gudgeon%2Ftrout@127.0.0.1:9"
        status, out, err = harness(*args, "--tracking-uri", uri)
        assert (status, find_secrets(out, err, tmp_path)) == (2, [])
        assert "127.0.0.1:9" in err


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:gudgeon@trout@127.0.0.1:5000",
        "http://ann:gudgeon/trout@127.0.0.1:5000",
        "postgresql+psycopg2://127.0.0.1/mlflow?user=ann&password=gudgeon",
    ],
)
def test_password_never_appears_in_stripped_uri(uri: str) -> None:
    stripped = strip_credentials(uri)
    assert find_secrets(stripped) == []
    assert "127.0.0.1" in stripped
