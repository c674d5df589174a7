"""Tests of `harness data` and of studies on synthetic CK+ releases and on folders of images."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.synthetic.generator import SyntheticSpec, synthesize
from tests.harness.processes import ROOT
from tests.harness.tiny import Run

TINY = ("--preset", "quick", "--epochs", 1, "--image-size", 32, "--width", 0.125)


@pytest.fixture(scope="module")
def official_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write CK+ in the official layout: 4 subjects, each emotion once per subject, 3 frames per sequence."""
    out = tmp_path_factory.mktemp("drawn") / "official"
    return synthesize(SyntheticSpec(layout="ck-official", subjects=4, frames=3, balance=True), out)


@pytest.fixture(scope="module")
def packed_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write CK+ as one h5 file without subjects."""
    out = tmp_path_factory.mktemp("drawn") / "packed"
    return synthesize(SyntheticSpec(layout="ck-h5", subjects=4, frames=3, balance=True), out)


@pytest.mark.slow
def test_describe_compares_with_a_complete_release(harness: Run, official_set: Path) -> None:
    status, out, _ = harness("data", "describe", "--dataset", "ckplus", "--root", official_set)
    assert status == 0
    assert "ckplus, layout official, frames last3: 72 frames, 24 clips, 4 subjects" in out
    assert ["happy", "12", "207", "4", "69"] in [line.split() for line in out.splitlines()]
    assert "contempt: 4 sequences, left out" in out
    assert out.splitlines()[-1] == "no anomalies"
    assert "faces: not detected yet; run `harness data prepare` first" in out


def test_describe_labels_synthetic_faces(harness: Run, official_set: Path, tree: Path) -> None:
    _, out, _ = harness("data", "describe", "--dataset", "ckplus", "--root", official_set)
    assert out.splitlines()[0].endswith("4 subjects; synthetic faces, not the real release")
    (note,) = [line for line in out.splitlines() if line.startswith("note: synthetic faces")]
    assert "DRAWN-BY-HARNESS.txt" in note
    for name, root, is_synthetic in (("ckplus", official_set, True), ("casme2", tree, False)):
        document = json.loads(harness("data", "describe", "--dataset", name, "--root", root, "--json")[1])
        assert document["drawn"] is is_synthetic
    _, out, _ = harness("data", "describe", "--dataset", "casme2", "--root", tree)
    assert "drawn" not in out


def test_prepare_aligns_and_describe_lists_the_faces(harness: Run, official_set: Path) -> None:
    args = ("--dataset", "ckplus", "--root", official_set, "--classes", "fear,happy", "--json")
    status, out, _ = harness("data", "prepare", *args, "--image-size", 32)
    assert status == 0
    first = json.loads(out)
    assert (first["images"], first["alignment"]) == (24, "haar")
    assert (first["faces"], first["without_face"]) == (8, 0)
    again = json.loads(harness("data", "prepare", *args, "--image-size", 32)[1])
    assert again["fingerprint"] == first["fingerprint"]
    faces = json.loads(harness("data", "describe", *args)[1])["faces"]
    assert faces["clips"] == sum(faces["sources"].values()) == 8
    assert set(faces["by_class"]) == {"fear", "happy"}


def test_prepare_names_the_images_that_cannot_be_read(
    harness: Run, official_set: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(official_set, tmp_path / "broken")
    empty = sorted(root.rglob("S*_00000003.png"))[0]
    empty.write_bytes(b"")
    status, out, _ = harness("data", "prepare", "--dataset", "ckplus", "--root", root, "--image-size", 16)
    assert status == 0
    assert "71 images at 16 px" in out
    (fault,) = [line for line in out.splitlines() if line.startswith("anomaly: ")]
    subject, sequence, _ = empty.stem.split("_")
    assert fault.startswith(f"anomaly: unreadable image: {subject}/{sequence}/3: the file is empty")


def test_describe_and_audit_name_an_empty_file_like_prepare(
    harness: Run, official_set: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(official_set, tmp_path / "broken")
    sorted(root.rglob("S*_00000002.png"))[0].write_bytes(b"")
    sorted(root.rglob("S*_00000003.png"))[9].write_bytes(b"no image")
    args = ("--dataset", "ckplus", "--root", root)
    (seen,) = [line for line in harness("data", "describe", *args)[1].splitlines() if "unreadable" in line]
    assert seen.endswith("/2: the file is empty; the frame was left out")
    _, out, _ = harness("data", "describe", *args)
    assert "71 frames" in out
    assert out.splitlines()[-1] == "1 anomaly"
    opened = [
        harness("data", command, *args, "--image-size", 16)[1].splitlines()
        for command in ("prepare", "audit")
    ]
    listed, again = ([line for line in lines if line.startswith("anomaly: ")] for lines in opened)
    assert listed == again
    assert listed[0] == seen
    assert "OpenCV cannot read the file as an image" in listed[1]
    _, out, _ = harness("data", "audit", *args, "--image-size", 16, "--json")
    assert [fault["code"] for fault in json.loads(out)["faults"]] == ["unreadable image"] * 2


def test_prepare_counts_cached_images_and_clips_without_face(harness: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "grey" / name / "s1" / f"{name}1").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "grey" / name / "s1" / f"{name}1" / "1.png"), np.full((40, 40), 90))
    args = ("data", "prepare", "--dataset", "folder", "--root", tmp_path / "grey", "--image-size", 16)
    _, out, _ = harness(*args, "--align", "haar")
    assert "0 clips aligned, 2 without a face cropped to the centred square; " in out
    assert "images per second" in out
    assert "already in the cache" not in out
    again = harness(*args, "--align", "haar")[1]
    assert "2 of 2 already in the cache" in again
    assert "a second" not in again
    document = json.loads(harness(*args, "--align", "haar", "--json")[1])
    assert (document["made"], document["already_there"], document["without_face"]) == (0, 2, 2)


@pytest.mark.parametrize(
    "signal_number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_stopped_prepare_prints_its_progress_and_resumes(
    harness: Run, tmp_path: Path, signal_number: signal.Signals
) -> None:
    handler = signal.default_int_handler if signal_number == signal.SIGINT else signal.SIG_DFL
    noise = tmp_path / "noise.png"
    cv2.imwrite(str(noise), np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8))
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(64):
            os.link(noise, tmp_path / "set" / name / f"{number}.png")
    args = ("data", "prepare", "--dataset", "folder", "--root", tmp_path / "set", "--image-size", "16")
    process = subprocess.Popen(
        [sys.executable, "-c", "from harness.cli import main; main()", *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite started by nohup or in the background ignores the signal, and its children inherit this.
        preexec_fn=lambda: signal.signal(signal_number, handler),
    )
    journals = tmp_path / "cache" / "pixels"
    while not any(path.read_bytes().count(b"\n") > 1 for path in journals.glob(".*.journal")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal_number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    progress = err.strip().removeprefix("stopped at ").removesuffix(" images; run the same command to resume")
    count, total = map(int, progress.split(" of "))
    assert 0 < count < total == 128
    assert "Traceback" not in out + err
    # If the process stops between storing and reporting a unit, one more unit is stored than reported.
    assert count <= json.loads(harness(*args, "--json")[1])["already_there"] <= count + 32


@pytest.mark.parametrize("command", ["prepare", "audit", "bench"])
@pytest.mark.parametrize("size", ["7", "100000"])
def test_unreasonable_image_size_is_refused(harness: Run, command: str, size: str) -> None:
    status, _, err = harness("data", command, "--image-size", size)
    assert (status, err) == (2, f"error: --image-size must be from 8 to 1024 pixels; got {size}\n")


def test_cache_that_is_no_folder_is_an_error(
    harness: Run, tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "below"))
    for args in (("--dataset", "casme2", "--root", tree), ()):
        status, _, err = harness("data", "prepare", *args)
        assert status == 2
        assert err.startswith("error: the cache must be a writable folder: ")
        assert err.strip().endswith("set HARNESS_CACHE to another folder")


def test_audit_notes_the_reduced_fold_count(harness: Run, official_set: Path) -> None:
    args = ("data", "audit", "--dataset", "ckplus", "--root", official_set, "--protocol", "kfold")
    _, out, _ = harness(*args)
    assert out.startswith("note: kfold has 4 folds, one per subject: the data have fewer than 10 subjects\n")
    assert "note: kfold" not in harness(*args, "--folds", 4)[1]


def test_unknown_clips_are_not_zero(harness: Run, packed_set: Path) -> None:
    _, out, _ = harness("data", "describe", "--dataset", "ckplus", "--root", packed_set)
    assert "unknown clips" in out
    assert ["happy", "12", "207", "-", "-"] in [line.split() for line in out.splitlines()]


def test_audit_fails_for_a_shared_clip_and_passes_for_disjoint_subjects(
    harness: Run, official_set: Path
) -> None:
    args = ("data", "audit", "--dataset", "ckplus", "--root", official_set)
    status, out, _ = harness(*args, "--protocol", "frame", "--json")
    assert status == 1
    (split,) = json.loads(out)["splits"]
    assert [f["code"] for f in split["findings"] if f["severity"] == "error"] == ["shared-clip"]
    status, out, _ = harness(*args, "--protocol", "subject,kfold", "--folds", 2)
    assert status == 0
    assert out.count("clean") == 3


@pytest.mark.slow
def test_release_without_subjects_refuses_grouped_protocols(harness: Run, packed_set: Path) -> None:
    args = ("--dataset", "ckplus", "--root", packed_set)
    for command in (("data", "audit"), ("ablate", "--dry-run", *TINY)):
        status, _, err = harness(*command, *args, "--protocol", "loso")
        assert status == 2
        assert err.startswith("error: the protocol loso needs every sample's subject, which ckplus does not")
        assert "in its layout h5" in err


@pytest.mark.slow
def test_comparison_on_ck_plus_gives_the_papers_tables_and_figures(harness: Run, official_set: Path) -> None:
    args = (
        "--dataset",
        "ckplus",
        "--root",
        official_set,
        "--only",
        "vgg16,proposed",
        "--protocol",
        "frame,loso",
    )
    status, out, _ = harness("compare", *args, *TINY, "--json")
    assert status == 0
    document = json.loads(out)
    assert len(document["cells"]) == 2 * (1 + 4)
    report = Path(document["report"]).read_text()
    # For synthetic faces the report shows the paper's scores for orientation only.
    for item in ("Table 3", "Table 4", "Figure 10", "Figure 11", "Figure 12"):
        assert f"In the paper: {item} (CK+)." in report
    # The four folds are pooled: every clip is tested once.
    assert "24\N{NO-BREAK SPACE}clips" in report
    assert "loso: clean" in report
    assert "**The faces of CK+ are synthetic, not from the real release" in report


@pytest.mark.slow
def test_packed_set_runs_under_the_papers_split(harness: Run, packed_set: Path) -> None:
    args = ("--dataset", "ckplus", "--root", packed_set, "--only", "vgg16-bn-gap", *TINY)
    status, out, _ = harness("compare", *args, "--json")
    assert status == 0
    assert len(json.loads(out)["cells"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "flow"),
    [
        ((), None),
        (
            ("--flow-method", "tvl1", "--flow-size", "32", "--flow-scale", "image"),
            {"method": "tvl1", "size": 32, "scale": "image"},
        ),
    ],
)
def test_motion_is_a_representation_of_apex_frames(
    harness: Run, official_set: Path, options: tuple[str, ...], flow: dict[str, object] | None
) -> None:
    args: tuple[object, ...] = (
        "compare",
        "--dataset",
        "ckplus",
        "--root",
        official_set,
        "--only",
        "vgg16-bn-gap",
        *TINY,
    )
    args = (*args, "--protocol", "subject", "--representation", "flow", *options)
    status, out, _ = harness(*args, "--json")
    assert status == 0
    (cell,) = json.loads(out)["cells"]
    assert cell["spec"]["dataset"]["frames"] == "peak"
    assert cell["spec"]["dataset"].get("flow") == flow
    assert cell["spec"]["training"]["augmentation"]["hue"] == 0


@pytest.mark.parametrize("representation", ["apex_minus_onset", "flow"])
def test_motion_needs_frames_near_the_apex(harness: Run, official_set: Path, representation: str) -> None:
    args = ("compare", "--dataset", "ckplus", "--root", official_set, "--only", "proposed", *TINY)
    status, _, err = harness(*args, "--representation", representation, "--frames", "all")
    assert status == 2
    assert "--frames must select frames at or near the apex; got all; accepted: peak, last3" in err


@pytest.fixture
def plain_folders(tree: Path, tmp_path: Path) -> Path:
    """Write two class folders without clips or subjects, 12 images each."""
    root = tmp_path / "plain"
    for label, emotion in enumerate(("fear", "joy"), start=1):
        (root / emotion).mkdir(parents=True)
        for image in sorted(tree.glob(f"Cropped/*/EP{label:02}_01f/*.jpg")):
            shutil.copy(image, root / emotion / f"{image.parts[-3]}_{image.name}")
    return root


@pytest.mark.slow
@pytest.mark.usefixtures("brief_latency")
def test_leaks_of_plain_class_folders_are_unknown_everywhere(harness: Run, plain_folders: Path) -> None:
    data = ("--dataset", "folder", "--root", plain_folders)
    status, out, err = harness("compare", *data, "--only", "vgg16,proposed", "--checks", *TINY, "--json")
    assert status == 0, err
    document = json.loads(out)
    for cell in document["cells"]:
        assert not [name for name in cell["metrics"] if name.startswith("leak/")]
        assert cell["leakage"] == {"clip": None, "subject": None}
    report = Path(document["report"]).read_text()
    assert "it is unknown how many of the test frames have their clip or their subject in training" in report
    assert "a near-duplicate of" in report
    for zero in ("0.00 % of the test frames have", "clip overlap 0.00", "frame: clean"):
        assert zero not in report
    blocks = report.replace("\N{NO-BREAK SPACE}", " ").split("\n\n")
    tables = [block for block in blocks if block.startswith("|") and "Clip overlap" in block.split("\n")[0]]
    assert len(tables) >= 4
    for table in tables:
        header, _, *rows = ([cell.strip() for cell in row.split("|")] for row in table.split("\n"))
        at = header.index("Clip overlap")
        assert {cell for row in rows for cell in row[at : at + 2]} <= {"unknown", "–"}, table


def test_dry_run_lists_leakage(harness: Run, plain_folders: Path, tree: Path) -> None:
    small = ("compare", "--only", "vgg16-bn-gap", *TINY, "--dry-run")
    status, out, err = harness(*small, "--dataset", "folder", "--root", plain_folders)
    assert status == 0, err
    unknown = "it is unknown how many of the test frames have their clip or their subject in training"
    assert f"frame: {unknown}" in out.splitlines()
    args = ("--dataset", "casme2", "--root", tree, "--protocol", "frame,subject", "--json")
    assert json.loads(harness(*small, *args)[1])["leakage"][1] == (
        "subject: 0.00 % of the test frames have their clip in training, 0.00 % their subject"
    )


def test_subjects_and_clips_are_read_from_the_paths_of_plain_class_folders(
    harness: Run, plain_folders: Path
) -> None:
    data = ("--dataset", "folder", "--root", plain_folders)
    small = ("compare", "--only", "vgg16-bn-gap", *TINY, "--protocol", "loso", "--dry-run")
    status, _, err = harness(*small, *data)
    assert status == 2
    assert "--subject-from REGEX" in err
    named = (*data, "--subject-from", r"/sub(\d+)_", "--clip-from", "(fear|joy)/")
    status, out, _ = harness("data", "describe", *named)
    assert status == 0
    assert "24 frames, 8 clips, 4 subjects" in out
    status, out, err = harness(*small, *named, "--json")
    assert status == 0, err
    assert r"subjects: 4, from --subject-from '/sub(\d+)_', such as 01 (fear/sub01_" in err
    assert len(json.loads(out)["cells"]) == 4
    status, _, err = harness("data", "audit", *data, "--subject-from", "(sub)")
    assert status == 2
    assert "must find at least two subjects" in err


def test_audit_lists_all_examples_on_request(harness: Run, official_set: Path) -> None:
    args = ("data", "audit", "--dataset", "ckplus", "--root", official_set, "--protocol", "frame")
    _, out, _ = harness(*args)
    assert "more, which --all-examples lists" in out
    _, out, _ = harness(*args, "--all-examples", "--json")
    findings = json.loads(out)["splits"][0]["findings"]
    assert all(len(finding["examples"]) == finding["count"] for finding in findings)


def test_audit_of_plain_class_folders_lists_unknown_leaks(harness: Run, plain_folders: Path) -> None:
    args = ("data", "audit", "--dataset", "folder", "--root", plain_folders)
    _, out, _ = harness(*args)
    assert "  unknown: shared-clip: some training or test samples have no clip label" in out
    assert "  unknown: shared-subject: " in out
    assert ": clean" not in out
    (split,) = json.loads(harness(*args, "--json")[1])["splits"]
    assert split["leakage"] == {"clip": None, "subject": None}


def test_bench_compares_with_plain_decoding(harness: Run, tree: Path) -> None:
    args = ("--dataset", "casme2", "--root", tree, "--image-size", 16, "--rounds", 2, "--json")
    status, out, _ = harness("data", "bench", *args)
    assert status == 0
    document = json.loads(out)
    assert document["images"] == 72
    assert len(document["ratio"]) == 2
    assert not (tree / "cache").exists()
