"""`harness data` and studies on drawn releases of CK+ and on a folder of images, from the command line."""

import json
import shutil
from pathlib import Path

import pytest

from datasets.synthetic.synthesize import SyntheticSpec, synthesize
from tests.harness.tiny import Run

TINY = ("--preset", "quick", "--epochs", 1, "--image-size", 32, "--width", 0.125)


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CK+ as released: 4 subjects, every emotion once each, 3 frames a sequence."""
    out = tmp_path_factory.mktemp("drawn") / "official"
    return synthesize(SyntheticSpec(layout="ck-official", subjects=4, frames=3, balance=True), out)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CK+ as one h5 file, without subjects."""
    out = tmp_path_factory.mktemp("drawn") / "packed"
    return synthesize(SyntheticSpec(layout="ck-h5", subjects=4, frames=3, balance=True), out)


def test_describe_puts_a_complete_release_beside_what_was_found(harness: Run, official: Path) -> None:
    status, out, _ = harness("data", "describe", "--dataset", "ckplus", "--root", official)
    assert status == 0
    assert "ckplus, layout official, frames last3: 72 frames, 24 clips, 4 subjects" in out
    assert ["happy", "12", "207", "4", "69"] in [line.split() for line in out.splitlines()]
    assert "contempt: 4 sequences, left out" in out
    assert "faces: not looked for yet; `harness data prepare` does" in out


def test_prepare_aligns_once_and_describe_then_tells_the_faces(harness: Run, official: Path) -> None:
    args = ("--dataset", "ckplus", "--root", official, "--classes", "fear,happy", "--json")
    status, out, _ = harness("data", "prepare", *args, "--image-size", 32)
    assert status == 0
    first = json.loads(out)
    assert (first["images"], first["alignment"], first["faces"]) == (24, "haar", 8)
    again = json.loads(harness("data", "prepare", *args, "--image-size", 32)[1])
    assert again["fingerprint"] == first["fingerprint"]
    faces = json.loads(harness("data", "describe", *args)[1])["faces"]
    assert faces["clips"] == sum(faces["sources"].values()) == 8
    assert set(faces["by_class"]) == {"fear", "happy"}


def test_prepare_names_the_images_that_cannot_be_read(harness: Run, official: Path, tmp_path: Path) -> None:
    root = shutil.copytree(official, tmp_path / "broken")
    empty = sorted(root.rglob("S*_00000003.png"))[0]
    empty.write_bytes(b"")
    status, out, _ = harness("data", "prepare", "--dataset", "ckplus", "--root", root, "--image-size", 16)
    assert status == 0
    assert "71 images at 16 px" in out
    (fault,) = [line for line in out.splitlines() if line.startswith("anomaly: ")]
    subject, sequence, _ = empty.stem.split("_")
    assert fault.startswith(f"anomaly: unreadable image: {subject}/{sequence}/3: the file is empty")


def test_an_audit_fails_for_a_shared_clip_and_passes_where_people_are_apart(
    harness: Run, official: Path
) -> None:
    args = ("data", "audit", "--dataset", "ckplus", "--root", official)
    status, out, _ = harness(*args, "--protocol", "frame", "--json")
    assert status == 1
    (split,) = json.loads(out)["splits"]
    assert [f["code"] for f in split["findings"] if f["severity"] == "error"] == ["shared-clip"]
    status, out, _ = harness(*args, "--protocol", "subject,kfold", "--folds", 2)
    assert status == 0
    assert out.count("clean") == 3


def test_a_release_without_subjects_refuses_grouped_protocols(harness: Run, packed: Path) -> None:
    args = ("--dataset", "ckplus", "--root", packed)
    for command in (("data", "audit"), ("ablate", "--dry-run", *TINY)):
        status, _, err = harness(*command, *args, "--protocol", "loso")
        assert status == 2
        assert err.startswith("error: the protocol loso needs every sample's subject, which ckplus does not")
        assert "in its layout h5" in err


def test_a_comparison_on_ck_plus_gives_the_papers_tables_and_figures(harness: Run, official: Path) -> None:
    args = ("--dataset", "ckplus", "--root", official, "--only", "vgg16,proposed", "--protocol", "frame,loso")
    status, out, _ = harness("compare", *args, *TINY, "--json")
    assert status == 0
    found = json.loads(out)
    assert len(found["cells"]) == 2 * (1 + 4)
    report = Path(found["report"]).read_text()
    for item in ("Table 3.", "Table 4.", "Figure 10.", "Figure 11.", "Figure 12."):
        assert f"In the paper: {item}" in report
    # Four folds pooled: every clip tested once.
    assert "24\N{NO-BREAK SPACE}clips" in report
    assert "loso: clean" in report


def test_a_packed_set_runs_under_the_papers_split(harness: Run, packed: Path) -> None:
    args = ("--dataset", "ckplus", "--root", packed, "--only", "proposed", *TINY)
    status, out, _ = harness("compare", *args, "--json")
    assert status == 0
    assert len(json.loads(out)["cells"]) == 1


@pytest.mark.parametrize("representation", ["apex_minus_onset", "flow"])
def test_motion_is_a_representation_of_apex_frames(harness: Run, official: Path, representation: str) -> None:
    args = ("compare", "--dataset", "ckplus", "--root", official, "--only", "proposed", *TINY)
    args = (*args, "--protocol", "subject")
    status, out, _ = harness(*args, "--representation", representation, "--json")
    assert status == 0
    (cell,) = json.loads(out)["cells"]
    assert cell["spec"]["dataset"]["frames"] == "peak"
    assert cell["spec"]["training"]["augmentation"]["hue"] == 0
    status, _, err = harness(*args, "--representation", representation, "--frames", "all")
    assert status == 2
    assert "--frames must choose frames at or near the apex; got all; accepted: peak, last3" in err


def test_a_folder_of_images_takes_part(harness: Run, tree: Path, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    for subject in range(1, 4):
        for label, emotion in enumerate(("fear", "joy"), start=1):
            clip = tree / "Cropped" / f"sub{subject:02}" / f"EP{label:02}_01f"
            shutil.copytree(clip, root / emotion / f"person {subject}" / f"clip {label}")
    args = ("--dataset", "folder", "--root", root, "--only", "proposed", "--protocol", "subject")
    status, out, _ = harness("compare", *args, *TINY, "--json")
    assert status == 0
    assert json.loads(out)["cells"][0]["spec"]["dataset"]["classes"] == ["fear", "joy"]


def test_the_bench_measures_beside_plain_decoding(harness: Run, tree: Path) -> None:
    args = ("--dataset", "casme2", "--root", tree, "--image-size", 16, "--rounds", 2, "--json")
    status, out, _ = harness("data", "bench", *args)
    assert status == 0
    found = json.loads(out)
    assert found["images"] == 72
    assert len(found["ratio"]) == 2
    assert not (tree / "cache").exists()
