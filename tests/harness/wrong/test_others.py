"""Tests of mistakes in the commands that run no study, such as `report`, `predict`, `cost` and `export`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.tiny import Run
from tests.harness.wrong.conftest import Wrong

COMMANDS = {
    "ablat": ("'ablat'", "Did you mean 'ablate'", "`harness --help`"),
    "train": ("'train'", "No such command", "`harness --help`"),
    "--verbose": ("--verbose", "No such option", "`harness --help`"),
    "--dataset casme2 ablate": ("--dataset", "an option of ablate, compare", "`harness --help`"),
    "doctor casme2": ("casme2", "unexpected", "`harness doctor --help`"),
    "doctor --fix": ("--fix", "No such option", "`harness doctor --help`"),
}

RECORDED = {
    "status x": ("no study 'x'", "mlflow.db", "studies there: none"),
    "status --list": ("--list", "an option of report", "`harness status --help`"),
    "status --tracking-uri note.txt": ("store note.txt does not answer", "sqlite:///FILE"),
    "status --tracking-uri sqlite:///": ("--tracking-uri takes http://HOST:PORT", "got 'sqlite:///'"),
    "status --tracking-uri databricks": ("store databricks does not answer", "sqlite:///FILE"),
    "status --tracking-uri sqlite:///note.txt": (
        "sqlite:///note.txt is not a readable MLflow database",
        "existing or new",
    ),
    "report": ("no study in", "mlflow.db", "run `harness ablate`", "--tracking-uri"),
    "report x y": ("no study 'x'", "mlflow.db", "studies there: none"),
    "report ''": ("no study ''", "mlflow.db", "studies there: none"),
    "report x --tracking-uri sqlite:///empty/no.db": ("no study 'x'", "sqlite:///empty/no.db", "none"),
    "report --out note.txt": ("note.txt", "writable folder", "name another"),
    "report --list x": ("--list takes no study", "got x", "leave out one of the two"),
    "report --json": ("--json needs --list", "report.md and report.json"),
    "report --list --tracking-uri nosuch://x": ("nosuch://x does not answer", "http://HOST:PORT"),
    "export": ("no study in", "mlflow.db", "run `harness ablate`", "--tracking-uri"),
    "export x": ("no study 'x'", "mlflow.db", "studies there: none"),
    "export ''": ("no study ''", "mlflow.db", "studies there: none"),
    "export --tracking-uri ''": ("--tracking-uri takes http://HOST:PORT", "got ''", "./mlflow.db"),
    "export x y": ("unexpected", "(y)", "`harness export --help`"),
    "export --tracking-uri nosuch://x": ("nosuch://x does not answer", "sqlite:///FILE"),
    "import": ("Missing argument 'file'", "`harness import --help`"),
    "import nowhere.zip": ("written by `harness export`", "no file at nowhere.zip"),
    "import taken": ("written by `harness export`", "no file at taken"),
    "import note.txt": ("note.txt cannot be imported", "a complete zip file", "export or fetch it again"),
    "import note.txt x": ("unexpected", "(x)", "`harness import --help`"),
    "ui": ("nothing has been recorded", "mlflow.db", "run a study first"),
    "ui --port http": ("--port", "integer", "got 'http'", "`harness ui --help`"),
    "ui --tracking-uri nosuch://x": ("nosuch://x does not answer", "sqlite:///FILE"),
    "ui x": ("unexpected", "(x)", "`harness ui --help`"),
}

SCORED = {
    "score": ("Missing argument 'file", "`harness score --help`"),
    "score nowhere.txt": ("no file nowhere.txt", "check its name"),
    "score nowhere": ("no study 'nowhere'", "mlflow.db", "studies there: none"),
    "score abcd": ("an id or key that starts with abcd", "found: none"),
    "score empty": ("empty is a folder", "name a file in it"),
    "score note.txt": ("note.txt, line 1", "MEGC log", "got 'a text'", "convert the file"),
    "score photo.jpg": ("photo.jpg, line 1",),
    "score net.py": ("net.py, line",),
    "score note.txt --truth nowhere.csv": ("no file nowhere.csv", "check its name"),
    "score note.txt --truth note.txt": ("note.txt, line 1", "set,subject,clip,label", "no header"),
    "score note.txt --claimed UF2=.5": ("--claimed takes", "UF1, UAR", "got 'UF2=.5'"),
    "report --format html": ("unknown --format 'html'", "accepted: report, megc"),
}

PREDICTED = {
    "predict": ("Missing argument 'run'", "`harness predict --help`"),
    "predict abcd": ("Missing argument 'source'", "`harness predict --help`"),
    "predict abcd photo.jpg more.jpg": ("unexpected", "(more.jpg)", "`harness predict --help`"),
    "predict abcd nowhere.jpg": (
        "nowhere.jpg does not exist",
        "name an image, a folder of images or a video",
    ),
    "predict abcd empty": ("empty holds no image", ".png"),
    "predict abcd note.txt": ("note.txt is neither an image nor a video", "accepted: .bmp", ".mp4"),
    "predict vgg16 photo.jpg": ("RUN", "'vgg16'", "4 or more digits", "`harness report STUDY`"),
    "predict '' photo.jpg": ("RUN", "got ''", "4 or more digits", "`harness status`"),
    "predict abc photo.jpg": ("RUN", "'abc'", "4 or more digits"),
    "predict abcd photo.jpg": ("no run in", "mlflow.db", "starts with abcd", "--tracking-uri"),
    "predict abcd photo.jpg --device gpu": ("'gpu'", "auto, cuda, mps, cpu"),
    "predict abcd photo.jpg --tracking-uri sqlite:///note.txt": (
        "note.txt is not a readable MLflow database",
        "existing or new",
    ),
}

MEASURED = {
    "cost --image-size 16": ("--image-size must be at least 32 for vgg16", "got 16"),
    "cost --image-size 0": ("--image-size must be from 8 to 1024", "got 0"),
    "cost --image-size 100000": ("--image-size must be from 8 to 1024", "got 100000"),
    "cost --image-size big": ("--image-size", "integer", "got 'big'", "`harness cost --help`"),
    "cost --classes 1": ("--classes must be at least 2", "got 1"),
    "cost --classes 1000000000": ("--classes", "at most 10000", "got 1000000000"),
    "cost --classes fear": ("--classes", "integer", "got 'fear'", "`harness cost --help`"),
    "cost --width nan": ("width must be above 0 and at most 4", "got nan"),
    "cost --width 8": ("width must be above 0 and at most 4", "got 8.0"),
    "cost --only vgg61": ("unknown architecture 'vgg61'", "accepted: vgg16", "Did you mean 'vgg16'?"),
    "cost --only vgg16 --only ''": ("unknown architecture ''", "accepted: vgg16", "proposed"),
    "cost --only vgg16,alexnet --image-size 64": ("--image-size must be at least 65 for alexnet", "got 64"),
    "cost --architecture net.py": ("--architecture takes FILE.py:function", "'net.py'"),
    "cost --architecture net.py:big": ("no function 'big'", "it has narrow, nothing, raising, text, tiny"),
    "cost --architecture net.py:wide": ("net.py:wide must map", "logits (2, 6)", "got (2, 7)"),
    "bench --only vgg61": ("'vgg61'", "accepted: vgg16", "proposed"),
    "bench --only ''": ("unknown architecture ''", "accepted: vgg16", "proposed"),
    "bench --image-size 2000": ("--image-size must be from 8 to 1024", "got 2000"),
    "bench --batch 1000000000": ("--batch must be at most 4096", "got 1000000000"),
    "bench --width 0": ("width must be above 0 and at most 4", "got 0.0"),
    "bench --rounds 1000000000": ("--rounds must be at most 1000", "got 1000000000"),
    "bench --rounds few": ("--rounds", "integer", "got 'few'", "`harness bench --help`"),
    "bench --steps -1": ("--steps must be at least 1", "got -1"),
    "bench --device gpu": ("'gpu'", "auto, cuda, mps, cpu"),
    "bench --growth 3": ("unexpected", "(3)", "`harness bench --help`"),
    "bench --architecture net.py:tiny": ("--architecture", "an option of ablate, compare", "harness bench"),
}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_there_is_not_or_that_takes_nothing(wrong: Wrong, line: str) -> None:
    wrong(line, COMMANDS[line])


@pytest.mark.parametrize("line", RECORDED)
def test_a_study_or_archive_that_is_not_there(wrong: Wrong, line: str) -> None:
    wrong(line, RECORDED[line])


@pytest.mark.parametrize("line", PREDICTED)
def test_what_cannot_be_predicted_with_or_on(wrong: Wrong, line: str) -> None:
    wrong(line, PREDICTED[line])


@pytest.mark.parametrize("line", SCORED)
def test_what_cannot_be_scored(wrong: Wrong, line: str) -> None:
    wrong(line, SCORED[line])


@pytest.mark.parametrize("line", MEASURED)
def test_what_cannot_be_counted_or_measured(wrong: Wrong, line: str) -> None:
    wrong(line, MEASURED[line])


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("''", ("--host must be an address of this machine", "got ''")),
        (
            "nowhere.invalid",
            ("no server can listen on nowhere.invalid:5000", "another --host, such as 127.0.0.1"),
        ),
        ("192.0.2.1", ("no server can listen on 192.0.2.1:5000", "another --host, such as 127.0.0.1")),
    ],
)
def test_an_address_that_is_not_this_machines(wrong: Wrong, host: str, words: tuple[str, ...]) -> None:
    Path("mlflow.db").touch()
    wrong(f"ui --host {host}", words)


@pytest.mark.parametrize(("args", "command"), [((), "ablate"), (("data",), "synthesize")])
def test_a_group_of_commands_alone_shows_them(harness: Run, args: tuple[str, ...], command: str) -> None:
    status, out, err = harness(*args)
    assert (status, err) == (2, "")
    assert out.count("Usage: harness") == 1
    assert command in out
