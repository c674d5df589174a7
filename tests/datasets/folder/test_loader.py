import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.folder.constants import FORMS_HELP, FRAME_POLICIES, LAYOUTS
from datasets.folder.loader import load
from datasets.spec import ImageRef, SampleTable
from tests.error_codes import raises_code

PIXELS = cv2.imencode(".png", np.full((4, 4, 3), 90, dtype=np.uint8))[1].tobytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "mine"


@pytest.fixture
def put(root: Path) -> Callable[..., Path]:
    """Write an image at each path below the root."""

    def write(*paths: str) -> Path:
        for path in paths:
            file_path = root / path
            file_path.parent.mkdir(parents=True, exist_ok=True)
            file_path.write_bytes(PIXELS)
        return root

    return write


def codes(table: SampleTable) -> Counter[str]:
    return Counter(anomaly.code for anomaly in table.anomalies)


def clips(table: SampleTable) -> dict[str, tuple[str, str]]:
    return {sample.id: (sample.subject, sample.clip) for sample in table.samples}


def test_class_folders_give_subject_and_clip_by_their_depth(put: Callable[..., Path]) -> None:
    table = load(put("joy/a.png", "joy/s1/b.png", "joy/s1/c1/c.png", "fear/s2/c1/take 2/d.JPG"), "all")
    assert table.classes == ("fear", "joy")
    assert clips(table) == {
        "joy/a.png": ("", ""),
        "joy/s1/b.png": ("s1", ""),
        "joy/s1/c1/c.png": ("s1", "s1/c1"),
        "fear/s2/c1/take 2/d.JPG": ("s2", "s2/c1/take 2"),
    }
    assert {sample.id: sample.label for sample in table.samples}["joy/a.png"] == 1
    assert (table.dataset, table.frame_policy, table.layout, table.anomalies) == (
        "folder",
        "all",
        "classes",
        (),
    )
    assert table.is_aligned
    assert table.notes[0] == "layout: class folders"
    assert "subjects: 2, unknown for 1 of 4 images" in table.notes


def test_frames_are_ordered_by_number_and_the_first_is_the_onset(
    put: Callable[..., Path], root: Path
) -> None:
    table = load(put(*(f"{c}/s1/{c}1/img{n}.png" for c in ("a", "b") for n in (10, 9, 100))), "all")
    assert [sample.frame_number for sample in table.samples] == [9, 10, 100, 9, 10, 100]
    first = ImageRef(str(root / "a/s1/a1/img9.png"))
    assert [sample.onset_ref for sample in table.samples[:3]] == [first] * 3
    assert table.samples[0].image_ref == first


def test_images_without_a_clip_have_no_onset(put: Callable[..., Path]) -> None:
    assert {sample.onset_ref for sample in load(put("a/s/1.png", "b/s/1.png"), "all").samples} == {None}


@pytest.mark.parametrize(
    ("names", "frames"),
    [
        (("x10_face0.png", "x9_face0.png", "x2_face0.png"), {"x2": 1, "x9": 2, "x10": 3}),
        (("b.png", "a.png", "c.png"), {"a": 1, "b": 2, "c": 3}),
        (("S01_002_00000011.png", "S01_002_00000009.png"), {"S01_002_00000011": 11, "S01_002_00000009": 9}),
    ],
)
def test_last_number_of_a_name_is_the_frame_or_else_its_position(
    put: Callable[..., Path], names: tuple[str, ...], frames: dict[str, int]
) -> None:
    table = load(put("z/s2/c/1.png", *(f"y/s1/c/{name}" for name in names)), "all")
    frame_numbers = {
        sample.id.split("/")[-1]: sample.frame_number for sample in table.samples if sample.subject == "s1"
    }
    assert {
        name.removesuffix(".png").removesuffix("_face0"): n for name, n in frame_numbers.items()
    } == frames


def test_class_names_are_stripped_and_sorted_by_code_point(put: Callable[..., Path]) -> None:
    table = load(put("b/1.png", " a /1.png", "a/2.png", "é/1.png", "Z/1.png"), "all")
    assert table.classes == ("Z", "a", "b", "é")
    assert table.count_per_class() == (1, 2, 1, 1)


def test_both_unicode_spellings_of_a_name_are_one_class(put: Callable[..., Path]) -> None:
    assert load(put("\u00e9/1.png", "e\u0301/2.png", "b/1.png"), "all").count_per_class() == (1, 2)


def test_classes_can_be_selected_and_others_are_noted(put: Callable[..., Path]) -> None:
    table = load(put("a/1.png", "b/1.png", "c/1.png", "c/2.png"), "all", classes=["b", "a"])
    assert table.classes == ("a", "b")
    assert table.count_per_class() == (1, 1)
    assert "classes left out, not selected: c (2 images)" in table.notes
    with raises_code("class.unknown", "'d'", "a, b, c"):
        load(put(), "all", classes=["a", "d"])


def test_other_files_in_class_folders_are_listed(put: Callable[..., Path], root: Path) -> None:
    put("a/1.png", "b/1.png", "loose.png", "b/notes.txt", "b/sub/x/y/z/deep.png")
    (root / "empty").mkdir()
    table = load(root, "all")
    assert codes(table) == {
        "image without a class": 1,
        "no image": 1,
        "folder too deep": 1,
        "empty class folder": 1,
    }
    assert len(table.samples) == 2


def test_equal_clip_folders_in_two_classes_are_two_clips_if_frames_overlap(put: Callable[..., Path]) -> None:
    table = load(put("a/s1/01/img1.png", "b/s1/01/img1.png", "b/s1/01/img2.png", "a/s2/x/1.png"), "all")
    assert {sample.clip for sample in table.samples} == {"s1/a/01", "s1/b/01", "s2/x"}
    assert codes(table) == {"one clip name in several classes": 1}


def test_clip_in_two_classes_is_left_out(put: Callable[..., Path]) -> None:
    table = load(put("a/s1/01/img1.png", "b/s1/01/img2.png", "a/s2/x/1.png", "b/s3/y/1.png"), "all")
    assert {sample.clip for sample in table.samples} == {"s2/x", "s3/y"}
    assert codes(table) == {"clip with two labels": 1}
    assert table.anomalies[0].location == "s1/01"


def test_image_linked_into_two_classes_is_in_neither(put: Callable[..., Path], root: Path) -> None:
    put("a/1.png", "a/2.png", "b/1.png")
    (root / "b/again.png").symlink_to(root / "a/2.png")
    (root / "a/same.png").symlink_to(root / "a/1.png")
    table = load(root, "all")
    assert {sample.id for sample in table.samples} == {"a/1.png", "b/1.png"}
    assert codes(table) == {"contradictory entries": 1, "duplicate path": 1}


def test_links_out_of_the_root_and_in_circles_are_not_followed(
    put: Callable[..., Path], root: Path, tmp_path: Path
) -> None:
    put("a/1.png", "b/1.png")
    (tmp_path / "secret.png").write_bytes(PIXELS)
    (root / "a/out.png").symlink_to(tmp_path / "secret.png")
    (root / "b/loop").symlink_to(root)
    table = load(root, "all")
    assert len(table.samples) == 2
    assert codes(table) == {"link out of the root": 1, "link in a circle": 1}


def test_unsafe_names_are_left_out_and_listed(put: Callable[..., Path], root: Path) -> None:
    put("a/1.png", "b/1.png", "a/two\nlines.png", "b/" + "long" * 60 + ".png")
    with open(os.fsencode(root) + b"/a/caf\xe9.png", "wb") as file:
        file.write(PIXELS)
    os.mkdir(os.fsencode(root) + b"/cl\xe9")
    table = load(root, "all")
    assert len(table.samples) == 3
    assert codes(table) == {"unusable name": 2, "empty class folder": 1}
    text = json.dumps(asdict(table), ensure_ascii=False).encode()
    assert b"caf\\\\udce9.png" in text
    assert b"two\\\\nlines.png" in text


def test_many_anomalies_of_a_kind_are_summarized(put: Callable[..., Path]) -> None:
    table = load(put("a/1.png", "b/1.png", *(f"b/{n}.txt" for n in range(50))), "all")
    assert codes(table) == {"no image": 21}
    assert table.anomalies[-1].description == "30 more of this kind, 50 in all"


@pytest.mark.parametrize("layout", ["", "csv"])
def test_csv_is_preferred_to_class_folders(put: Callable[..., Path], root: Path, layout: str) -> None:
    put("a/1.png", "b/1.png", "a/2.png")
    (root / "labels.csv").write_text("path,label\na/1.png,x\nb/1.png,y\n")
    (root / "other.csv").write_text("file,mood\na/1.png,x\n")
    table = load(root, "all", layout=layout)
    assert (table.layout, table.classes, len(table.samples)) == ("csv", ("x", "y"), 2)
    assert table.notes[0] == "layout: csv, labels.csv; folders beside it were not read as classes"


def test_class_folders_can_be_requested(put: Callable[..., Path], root: Path) -> None:
    put("a/1.png", "b/1.png")
    (root / "labels.csv").write_text("path,label\na/1.png,x\nb/1.png,y\n")
    assert load(root, "all", layout="classes").classes == ("a", "b")


@pytest.mark.parametrize(
    ("header", "missing"), [("path,emotion,subject", "label"), ("image;label", "path"), ("Path", "label")]
)
def test_image_list_without_a_column_is_an_error(
    put: Callable[..., Path], root: Path, header: str, missing: str
) -> None:
    put("a/1.png", "b/1.png")
    (root / "labels.csv").write_text(f"{header}\na/1.png,x,s1\n")
    with raises_code("image-csv.missing", f"{root}: labels.csv lacks {missing}.", FORMS_HELP):
        load(root, "all")
    assert load(root, "all", layout="classes").classes == ("a", "b")


@pytest.mark.parametrize("text", ["", "file,mood\n1,2\n", "subject,age\ns1,30\n"])
def test_other_csv_next_to_class_folders_is_listed(put: Callable[..., Path], root: Path, text: str) -> None:
    put("a/1.png", "b/1.png")
    (root / "other.csv").write_text(text)
    table = load(root, "all")
    (fault,) = [anomaly for anomaly in table.anomalies if anomaly.code == "CSV not read"]
    assert (fault.location, fault.action) == ("other.csv", "the folders were read as classes")
    assert fault.description.endswith("columns path and label")
    assert codes(load(root, "all", layout="classes"))["CSV not read"] == 0


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("sub01", "sub02"), "classes like subjects"),
        (("S005", "S010"), "classes like subjects"),
        (("Train", "test"), "classes like parts of a split"),
        (("sub01", "joy"), None),
        (("0", "1"), None),
        (("sad", "surprise"), None),
    ],
)
def test_suspicious_class_names_are_listed(
    put: Callable[..., Path], names: tuple[str, str], code: str | None
) -> None:
    table = load(put(*(f"{name}/{name}c/1.png" for name in names)), "all")
    assert table.classes == tuple(sorted(names))
    assert codes(table) == ({code: 1} if code else {})
    assert all(anomaly.location == ", ".join(sorted(names)) for anomaly in table.anomalies)


def test_two_lists_of_images_are_one_too_many(put: Callable[..., Path], root: Path) -> None:
    put("a/1.png", "b/1.png")
    for name in ("train.csv", "test.csv"):
        (root / name).write_text("path,label\na/1.png,x\nb/1.png,y\n")
    with raises_code("image-csv.several", "2: test.csv, train.csv.", "--root"):
        load(root, "all")
    assert load(root / "train.csv", "all").classes == ("x", "y")


def test_unusable_folder_error_names_both_forms(put: Callable[..., Path], root: Path, tmp_path: Path) -> None:
    with raises_code("folder-root.missing", root, FORMS_HELP):
        load(root, "all")
    root.mkdir()
    with raises_code("folder.too-few-classes", "holds 0", FORMS_HELP):
        load(root, "all")
    with raises_code("image-csv.missing", root, FORMS_HELP):
        load(root, "all", layout="csv")
    put("a/1.png", "a/notes.txt")
    with raises_code("folder.too-few-classes", "holds 1", "class a", FORMS_HELP, "no image: 1"):
        load(root, "all")
    with raises_code("folder-root.form", root / "a/1.png", FORMS_HELP):
        load(root / "a/1.png", "all")
    (tmp_path / "labels.csv").write_text("path,label\n")
    with raises_code("folder-root.form", tmp_path / "labels.csv"):
        load(tmp_path / "labels.csv", "all", layout="classes")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("~nobody-of-this-name/x", "folder-root.missing"),
        ("long" * 2000, "folder-root.missing"),
        ("nul\0", "folder-root.unprintable"),
        ("new\nline", "folder-root.unprintable"),
        ("\udce9", "folder-root.unprintable"),
    ],
)
def test_unusual_root_is_a_dataset_error(path: str, code: str, tmp_path: Path) -> None:
    with raises_code(code):
        load(tmp_path / path, "all")


def test_unknown_options_are_refused(root: Path) -> None:
    with raises_code("folder-option.unknown", "frames 'apex'", "accepted: all"):
        load(root, "apex")
    with raises_code("folder-option.unknown", "layout 'h5'", "csv, classes"):
        load(root, "all", layout="h5")


@pytest.mark.slow
def test_large_tree_of_other_files_fails_quickly(root: Path) -> None:
    for folder in range(20):
        folder_path = root / f"f{folder}"
        folder_path.mkdir(parents=True)
        for number in range(500):
            (folder_path / f"{number}.log").touch()
    start = time.perf_counter()
    with raises_code("folder.too-few-classes", "no image: 10000"):
        load(root, "all")
    assert time.perf_counter() - start < 2


def test_module_is_light() -> None:
    code = (
        "import sys, datasets.folder.loader; print(*{'torch', 'numpy', 'pandas'} & set(sys.modules), end='')"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == ""
    assert (FRAME_POLICIES, LAYOUTS) == (("all",), ("csv", "classes"))
