"""Tests of mistakes in the commands that run no study, such as `report`, `predict`, `cost` and `export`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.tiny import Run
from tests.harness.user_errors.conftest import ErrorCheck

COMMANDS = {
    "ablat": ("UsageError", "'ablat'", "Did you mean 'ablate'", "`harness --help`"),
    "train": ("UsageError", "'train'", "`harness --help`"),
    "--verbose": ("NoSuchOption", "--verbose", "`harness --help`"),
    "--dataset casme2 ablate": (
        "NoSuchOption",
        "--dataset",
        "an option of ablate, compare",
        "`harness --help`",
    ),
    "doctor casme2": ("UsageError", "casme2", "`harness doctor --help`"),
    "doctor --fix": ("NoSuchOption", "--fix", "`harness doctor --help`"),
}

RECORDED = {
    "status x": ("study-name.unknown", "no study 'x'", "mlflow.db", "studies there: none"),
    "status --list": ("NoSuchOption", "--list", "an option of report", "`harness status --help`"),
    "status --tracking-uri note.txt": ("tracking-store.no-answer", "sqlite:///FILE"),
    "status --tracking-uri sqlite:///": ("tracking-uri.empty", "--tracking-uri", "got 'sqlite:///'"),
    "status --tracking-uri databricks": ("tracking-store.no-answer", "sqlite:///FILE"),
    "status --tracking-uri sqlite:///note.txt": ("tracking-store.not-mlflow", "sqlite:///note.txt"),
    "report": ("study-name.none", "mlflow.db", "run `harness ablate`", "--tracking-uri"),
    "report x y": ("study-name.unknown", "no study 'x'", "mlflow.db", "studies there: none"),
    "report ''": ("study-name.unknown", "no study ''", "mlflow.db", "studies there: none"),
    "report x --tracking-uri sqlite:///empty/no.db": (
        "study-name.unknown",
        "no study 'x'",
        "sqlite:///empty/no.db",
        "none",
    ),
    "report --out note.txt": ("output-folder.not-writable", "note.txt"),
    "report --list x": ("report-list.with-study", "--list"),
    "report --json": ("report-json.without-list", "--json", "report.md and report.json"),
    "report --list --tracking-uri nosuch://x": ("tracking-store.no-answer", "nosuch://x", "http://HOST:PORT"),
    "export": ("study-name.none", "mlflow.db", "run `harness ablate`", "--tracking-uri"),
    "export x": ("study-name.unknown", "no study 'x'", "mlflow.db", "studies there: none"),
    "export ''": ("study-name.unknown", "no study ''", "mlflow.db", "studies there: none"),
    "export --tracking-uri ''": ("tracking-uri.empty", "--tracking-uri", "got ''", "./mlflow.db"),
    "export x y": ("UsageError", "(y)", "`harness export --help`"),
    "export --tracking-uri nosuch://x": ("tracking-store.no-answer", "nosuch://x", "sqlite:///FILE"),
    "import": ("MissingParameter", "Missing argument 'file'", "`harness import --help`"),
    "import nowhere.zip": ("archive.no-file", "`harness export` wrote", "no file nowhere.zip"),
    "import taken": ("archive.no-file", "written by `harness export`"),
    "import note.txt": ("archive.unusable", "note.txt"),
    "import note.txt x": ("UsageError", "(x)", "`harness import --help`"),
    "ui": ("ui-store.empty", "mlflow.db"),
    "ui --port http": ("BadParameter", "--port", "got 'http'", "`harness ui --help`"),
    "ui --tracking-uri nosuch://x": ("tracking-store.no-answer", "nosuch://x", "sqlite:///FILE"),
    "ui x": ("UsageError", "(x)", "`harness ui --help`"),
}

SCORED = {
    "score": ("MissingParameter", "Missing argument 'file", "`harness score --help`"),
    "score nowhere.txt": ("text-file.missing", "no file nowhere.txt"),
    "score nowhere": ("study-name.unknown", "no study 'nowhere'", "mlflow.db", "studies there: none"),
    "score abcd": ("prediction-run.ambiguous", "found: none"),
    "score empty": ("text-file.is-a-folder",),
    "score note.txt": ("prediction-file.unknown-format", "note.txt, line 1", "got 'a text'"),
    "score photo.jpg": ("prediction-file.unknown-format", "photo.jpg, line 1"),
    "score net.py": ("prediction-file.unknown-format", "net.py, line"),
    "score note.txt --truth nowhere.csv": ("text-file.missing", "no file nowhere.csv"),
    "score note.txt --truth note.txt": ("truth-list.header", "note.txt, line 1", "set,subject,clip,label"),
    "score note.txt --claimed UF2=.5": ("claimed.invalid", "--claimed takes", "UF1, UAR", "got 'UF2=.5'"),
    "report --format html": ("choice.unknown", "unknown --format 'html'", "accepted: report, latex, megc"),
}

PREDICTED = {
    "predict": ("MissingParameter", "Missing argument 'run'", "`harness predict --help`"),
    "predict abcd": ("MissingParameter", "Missing argument 'source'", "`harness predict --help`"),
    "predict abcd photo.jpg more.jpg": ("UsageError", "(more.jpg)", "`harness predict --help`"),
    "predict abcd nowhere.jpg": ("source.missing", "nowhere.jpg"),
    "predict abcd empty": ("source.no-image", ".png"),
    "predict abcd note.txt": ("source.unknown-kind", "note.txt", "accepted: .bmp", ".mp4"),
    "predict vgg16 photo.jpg": (
        "run-name.invalid",
        "RUN",
        "'vgg16'",
        "4 or more digits",
        "`harness report STUDY`",
    ),
    "predict '' photo.jpg": ("run-name.invalid", "RUN", "got ''", "4 or more digits", "`harness status`"),
    "predict abc photo.jpg": ("run-name.invalid", "RUN", "'abc'", "4 or more digits"),
    "predict abcd photo.jpg": ("run.unknown", "mlflow.db", "--tracking-uri"),
    "predict abcd photo.jpg --device gpu": ("choice.unknown", "'gpu'"),
    "predict abcd photo.jpg --tracking-uri sqlite:///note.txt": ("tracking-store.not-mlflow", "note.txt"),
}

MEASURED = {
    "cost --image-size 16": ("cost-image-size.too-small", "--image-size", "got 16"),
    "cost --image-size 0": ("synthetic-image-size.range", "--image-size", "got 0"),
    "cost --image-size 100000": ("synthetic-image-size.range", "--image-size", "got 100000"),
    "cost --image-size big": ("BadParameter", "--image-size", "got 'big'", "`harness cost --help`"),
    "cost --classes 1": ("cost-classes.range", "--classes", "got 1"),
    "cost --classes 1000000000": ("cost-classes.range", "--classes", "at most 10000", "got 1000000000"),
    "cost --classes fear": ("BadParameter", "--classes", "got 'fear'", "`harness cost --help`"),
    "cost --width nan": ("width.range",),
    "cost --width 8": ("width.range", "got 8.0"),
    "cost --only vgg61": (
        "choice.unknown",
        "unknown architecture 'vgg61'",
        "accepted: vgg16",
        "Did you mean 'vgg16'?",
    ),
    "cost --only vgg16 --only ''": (
        "choice.unknown",
        "unknown architecture ''",
        "accepted: vgg16",
        "proposed",
    ),
    "cost --only vgg16,alexnet --image-size 64": ("cost-image-size.too-small", "--image-size", "got 64"),
    "cost --architecture net.py": ("user-network.source-form", "--architecture", "'net.py'"),
    "cost --architecture net.py:big": ("user-network.no-function", "no function 'big'"),
    "cost --architecture net.py:wide": (
        "user-network.output-shape",
        "net.py:wide must map",
        "logits (2, 6)",
        "got (2, 7)",
    ),
    "bench --only vgg61": ("choice.unknown", "'vgg61'", "accepted: vgg16", "proposed"),
    "bench --only ''": ("choice.unknown", "unknown architecture ''", "accepted: vgg16", "proposed"),
    "bench --image-size 2000": ("synthetic-image-size.range", "--image-size", "got 2000"),
    "bench --batch 1000000000": ("bench-option.too-large", "--batch", "got 1000000000"),
    "bench --width 0": ("width.range", "got 0.0"),
    "bench --rounds 1000000000": ("bench-option.too-large", "--rounds", "got 1000000000"),
    "bench --rounds few": ("BadParameter", "--rounds", "got 'few'", "`harness bench --help`"),
    "bench --steps -1": ("bench-option.too-small", "--steps", "got -1"),
    "bench --device gpu": ("choice.unknown", "'gpu'"),
    "bench --growth 3": ("UsageError", "(3)", "`harness bench --help`"),
    "bench --architecture net.py:tiny": (
        "NoSuchOption",
        "--architecture",
        "an option of ablate, compare",
        "harness bench",
    ),
}


@pytest.mark.parametrize("line", COMMANDS)
def test_unknown_command_or_argument_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, COMMANDS[line])


@pytest.mark.parametrize("line", RECORDED)
def test_missing_study_or_archive_is_a_user_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, RECORDED[line])


@pytest.mark.parametrize("line", PREDICTED)
def test_impossible_prediction_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, PREDICTED[line])


@pytest.mark.parametrize("line", SCORED)
def test_impossible_score_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, SCORED[line])


@pytest.mark.parametrize("line", MEASURED)
def test_impossible_cost_or_bench_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, MEASURED[line])


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("''", ("ui-host.empty", "got ''")),
        ("nowhere.invalid", ("ui-address.unusable", "nowhere.invalid:5000", "127.0.0.1")),
        ("192.0.2.1", ("ui-address.unusable", "192.0.2.1:5000", "127.0.0.1")),
    ],
)
def test_address_that_is_not_this_machines(
    assert_user_error: ErrorCheck, host: str, error: tuple[str, ...]
) -> None:
    Path("mlflow.db").touch()
    assert_user_error(f"ui --host {host}", error)


@pytest.mark.parametrize(("args", "command"), [((), "ablate"), (("data",), "synthesize")])
def test_command_group_without_command_prints_help(harness: Run, args: tuple[str, ...], command: str) -> None:
    status, out, err = harness(*args)
    assert (status, err) == (2, "")
    assert out.count("Usage: harness") == 1
    assert command in out
