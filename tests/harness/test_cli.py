"""End-to-end tests of the command line, and of its message for each mistake."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from datasets.synthetic.spec import SyntheticSpec
from harness.api import run
from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from studies.presets import PRESETS, get_purpose
from tests.harness.processes import ROOT, cache_in
from tests.harness.tiny import Run, request, write_tree

TINY = ("--preset", "quick", "--epochs", "1", "--image-size", "32", "--width", "0.125", "--device", "cpu")


def test_class_with_two_frames_is_an_error_with_a_remedy(harness: Run, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    for subject in ("sub01", "sub02", "sub03", "sub04"):
        for file in list((root / "Cropped" / subject / "EP02_01f").iterdir())[
            subject in ("sub01", "sub02") :
        ]:
            file.unlink()
    status, _, err = harness("ablate", "--dataset", "casme2", "--root", root, *TINY)
    assert status == 2
    assert "fear" in err
    assert "at least 3" in err


def test_study_command_writes_a_report_and_mlflow_runs(harness: Run, tree: Path, tmp_path: Path) -> None:
    args: tuple[object, ...] = ("compare", "--dataset", "casme2", "--root", tree, "--only", "proposed", *TINY)
    args = (*args, "--protocol", "frame", "--protocol", "subject", "--json")
    estimate = json.loads(harness(*args, "--dry-run")[1])["estimate"]
    assert 0 < estimate["seconds_low"] < estimate["seconds_high"]
    assert estimate["busy"] in (True, False)
    status, out, err = harness(*args)
    assert status == 0, err
    document = json.loads(out)
    assert [cell["spec"]["protocol"] for cell in document["cells"]] == ["frame", "subject"]
    assert document["cells"][0]["metrics"]["leak/subject"] == 1.0
    report = Path(document["report"])
    text = report.read_text()
    assert "plan: 2 cells to run on cpu" in err
    assert re.search(r"^took \d+ (s|min); estimated (about )?\d+ ", err, re.MULTILINE)
    tracker = Tracker("sqlite:///mlflow.db")
    (study,) = (
        each
        for each in tracker.store.search_runs("tags.`mlflow.runName` != ''")
        if KEY_TAG not in each.data.tags
    )
    metrics = study.data.metrics
    assert metrics["estimated_seconds_low"] < metrics["estimated_seconds_high"]
    assert metrics["seconds"] > 0
    shutil.rmtree(tmp_path / "results")
    status, out, err = harness("report")
    assert (status, out.strip(), err) == (0, str(report), "")
    assert report.read_text() == text


@pytest.mark.slow
def test_demo_says_in_plan_and_report_that_its_settings_are_chosen(
    harness: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = SyntheticSpec(subjects=12, frames=5, balance=True, emotions=1, amplitude=4.0)
    monkeypatch.setattr("datasets.synthetic.generator.LEAKY", people)
    status, out, err = harness("compare", "--preset", "demo", "--epochs", 1, "--seeds", 1, "--json")
    assert status == 0, err
    assert get_purpose("demo") in " ".join(err.split())
    document = json.loads(out)
    assert [
        (cell["spec"]["architecture"]["name"], cell["spec"]["protocol"]) for cell in document["cells"]
    ] == [(name, protocol) for protocol in ("frame", "subject") for name in PRESETS["demo"].networks]
    assert get_purpose("demo") in Path(document["report"]).read_text()


@pytest.mark.slow
def test_a_study_that_is_finished_is_reused_and_takes_no_time(harness: Run, tree: Path) -> None:
    run(request(tree, only=("vgg16-bn-gap",)))
    args = ("compare", "--dataset", "casme2", "--root", tree, "--only", "vgg16-bn-gap", *TINY)
    again = harness(*args)[2]
    assert ("1 reused" in again, "took" in again, "estimate" in again) == (True, False, False)
    assert json.loads(harness(*args, "--dry-run", "--json")[1])["estimate"] is None


def test_unreadable_image_is_listed_and_left_out(harness: Run, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    (root / "Cropped" / "sub01" / "EP01_01f" / "reg_img11.jpg").write_bytes(b"")
    small = ("compare", "--only", "vgg16-bn-gap", *TINY, "--dry-run")
    status, out, err = harness(*small, "--dataset", "casme2", "--root", root)
    assert status == 0
    assert "71 frames" in err
    assert "sub01/EP01_01f/11" in err
    assert "clips of 4 subjects: a verdict needs at least 6 subjects, so none is possible" in out
    assert not (tmp_path / "mlflow.db").exists()


def test_package_runs_where_no_script_is_on_the_path() -> None:
    command = (sys.executable, "-m", "harness", "data", "list")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("casme2: CASME II.")


def test_listings_print_json(harness: Run, tree: Path) -> None:
    status, out, _ = harness("data", "describe", "--dataset", "casme2", "--root", tree, "--json")
    assert status == 0
    assert {row["class"]: row["frames"] for row in json.loads(out)["classes"]} == dict.fromkeys(
        ("disgust", "fear", "happiness", "repression", "sadness", "surprise"), 12
    )
    status, out, _ = harness("data", "list", "--json")
    assert {"casme2", "synthetic"} <= {entry["name"] for entry in json.loads(out)}
    status, out, _ = harness("doctor", "--json")
    assert status == 0
    assert {"device", "face cascades"} <= {check["check"] for check in json.loads(out)}


def _start(
    args: tuple[object, ...], folder: Path, *, largest_file: int | None = None
) -> subprocess.Popen[str]:
    def limit() -> None:
        # A test suite started in the background ignores Ctrl-C, and its children inherit this.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if largest_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.Popen(
        [sys.executable, "-c", "from harness.cli import main; main()", *map(str, args)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HARNESS_CACHE": cache_in(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


@pytest.mark.slow
def test_ctrl_c_keeps_finished_cells_and_a_rerun_resumes(harness: Run, tree: Path, tmp_path: Path) -> None:
    args: tuple[object, ...] = ("compare", "--dataset", "casme2", "--root", tree, *TINY)
    args = (*args, "--only", "vgg16-bn-gap", "--seeds", "3", "--epochs", "40")
    process = _start(args, tmp_path)
    assert process.stderr
    seen = []
    for line in process.stderr:
        seen.append(line)
        if line.startswith("[2/3]"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; finished cells are kept" in err
    assert "Traceback" not in err + out
    status, _, err = harness(*args, "--dry-run")
    assert status == 0
    assert "2 cells to run, 1 reused" in err


@pytest.mark.slow
def test_full_disk_is_a_message_and_finished_cells_stay(harness: Run, tree: Path, tmp_path: Path) -> None:
    args: tuple[object, ...] = ("compare", "--dataset", "casme2", "--root", tree, *TINY)
    args += ("--only", "vgg16-bn-gap", "--only", "vgg16")
    # VGG16's weights at an eighth of its width are 9 MB: the first file above the limit.
    process = _start(args, tmp_path, largest_file=4_000_000)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the disk is full" in err
    assert "Traceback" not in err
    status, out, _ = harness("report", "--list")
    assert (status, len(out.split())) == (0, 1)
    _, _, err = harness(*args, "--dry-run")
    assert "1 cell to run, 1 reused" in err


def test_version_is_that_of_the_installed_package(harness: Run) -> None:
    assert harness("--version") == (0, f"harness {metadata.version('harness')}\n", "")
