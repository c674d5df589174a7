import os
import shutil
from pathlib import Path

import pytest

from datasets.ckplus.constants import ACCESS_INSTRUCTIONS
from datasets.ckplus.release_search import LayoutChoice, choose_layout, search_releases
from tests.error_codes import raises_code


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def images(folder: Path) -> Path:
    return touch(folder / "S005/001/S005_001_00000011.png")


def labels(folder: Path, content: bytes = b"   3.0000000e+00\n") -> Path:
    return touch(folder / "S005/001/S005_001_00000011_emotion.txt", content)


def ck48(root: Path, folder: str = "happy") -> Path:
    return touch(root / folder / "S010_004_00000017.png")


def choose(root: Path, layout: str = "") -> LayoutChoice:
    return choose_layout(search_releases(root), layout)


@pytest.mark.parametrize(
    ("image_folder", "label_folder"),
    [
        ("cohn-kanade-images", "Emotion"),
        ("extended-cohn-kanade-images/cohn-kanade-images", "Emotion_labels/Emotion"),
        ("extended-cohn-kanade-images", "Emotion_labels(2)/Emotion"),
        ("source_images", "source_emotion"),
        ("CKPlus_Images", "CKPlus_Labels"),
        ("images", "emotions"),
        (".", "."),
        ("CK+/CK+/data/cohn-kanade-images", "CK+/CK+/labels/Emotion"),
    ],
)
def test_official_release_is_detected_in_every_root_variant(
    tmp_path: Path, image_folder: str, label_folder: str
) -> None:
    images(tmp_path / image_folder)
    labels(tmp_path / label_folder)
    for other in ("facs", "landmarks"):
        touch(tmp_path / other.upper() / f"S005/001/S005_001_00000011_{other}.txt")
    release = choose(tmp_path)
    assert (release.layout, release.path, release.labels) == (
        "official",
        tmp_path / image_folder,
        tmp_path / label_folder,
    )


def test_release_five_levels_down_is_ignored(tmp_path: Path) -> None:
    images(tmp_path / "a/b/c/d/e")
    labels(tmp_path / "a/b/c/d/e")
    with raises_code("ckplus-release.missing", tmp_path, "4 levels"):
        choose(tmp_path)


@pytest.mark.parametrize("below", [".", "CK+48", "ck/CK+48", "CKPlus"])
def test_class_folders_identify_ck48(tmp_path: Path, below: str) -> None:
    ck48(tmp_path / below, "Happiness")
    release = choose(tmp_path)
    assert (release.layout, release.path, release.labels) == ("ck48", tmp_path / below, None)


def test_class_folders_of_other_images_are_not_ck48(tmp_path: Path) -> None:
    touch(tmp_path / "happy" / "portrait.png")
    with raises_code("ckplus-release.missing", tmp_path):
        choose(tmp_path)


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("CK_data.h5", "h5"),
        ("data/ck+.hdf5", "h5"),
        ("my_CKplus.H5", "h5"),
        ("ckextended.csv", "csv"),
        ("a/CKextended (1).csv", "csv"),
    ],
)
def test_names_identify_containers(tmp_path: Path, name: str, layout: str) -> None:
    path = touch(tmp_path / name)
    assert (choose(tmp_path).layout, choose(tmp_path).path) == (layout, path)


@pytest.mark.parametrize("name", ["checkpoint.h5", "ckpt.h5", "backup.csv", "ticks.csv", "ck_data.txt"])
def test_other_files_are_not_containers(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    with raises_code("ckplus-release.missing", tmp_path):
        choose(tmp_path)


@pytest.mark.parametrize(("name", "layout"), [("faces.h5", "h5"), ("faces.CSV", "csv")])
def test_container_of_any_name_may_be_the_root(tmp_path: Path, name: str, layout: str) -> None:
    path = touch(tmp_path / name)
    release = choose(path)
    assert (release.layout, release.path, release.note) == (layout, path, f"layout: {layout}, in {name}")
    with raises_code("ckplus-release.missing", "official", f"found: {layout}."):
        choose(path, "official")


def test_preferred_layout_is_used_and_the_others_are_noted(tmp_path: Path) -> None:
    touch(tmp_path / "ckextended.csv")
    assert choose(tmp_path).layout == "csv"
    touch(tmp_path / "CK_data.h5")
    assert choose(tmp_path).layout == "h5"
    ck48(tmp_path / "CK+48")
    assert choose(tmp_path).layout == "ck48"
    images(tmp_path / "images")
    note = "layout: ck48, in CK+48 (not used: official without labels in images; h5 in CK_data.h5; "
    assert choose(tmp_path).note == note + "csv in ckextended.csv)"
    labels(tmp_path / "emotions")
    assert choose(tmp_path).note == (
        "layout: official, images in images, labels in emotions "
        "(not used: ck48 in CK+48; h5 in CK_data.h5; csv in ckextended.csv)"
    )


def test_layout_that_is_named_is_used(tmp_path: Path) -> None:
    images(tmp_path / "images")
    labels(tmp_path / "emotions")
    path = touch(tmp_path / "CK_data.h5")
    assert choose(tmp_path, "h5").path == path
    with raises_code("ckplus-release.missing", "csv", "found: official, h5."):
        choose(tmp_path, "csv")


def test_half_a_release_is_an_error(tmp_path: Path) -> None:
    images(tmp_path / "a" / "cohn-kanade-images")
    with raises_code("ckplus-release.missing", "images, in cohn-kanade-images, but no label files"):
        choose(tmp_path / "a")
    labels(tmp_path / "b" / "Emotion")
    with raises_code("ckplus-release.missing", "labels, in Emotion, but no images"):
        choose(tmp_path / "b")


def test_two_folders_of_images_are_an_error_that_names_both(tmp_path: Path) -> None:
    images(tmp_path / "new")
    images(tmp_path / "old")
    labels(tmp_path / "Emotion")
    with raises_code("ckplus-release.several", "layout official", "2: new, old."):
        choose(tmp_path)


def test_two_ck48_are_an_error_that_names_both(tmp_path: Path) -> None:
    ck48(tmp_path / "CK+48")
    ck48(tmp_path / "ck/CK+48")
    with raises_code("ckplus-release.several", "layout ck48", "2: CK+48, ck/CK+48."):
        choose(tmp_path)


def test_one_folder_under_two_names_is_one(tmp_path: Path) -> None:
    ck48(tmp_path / "CK+48")
    os.symlink(tmp_path / "CK+48", tmp_path / "link")
    assert choose(tmp_path).path == tmp_path / "CK+48"


def test_copies_of_a_container_are_one_and_different_ones_an_error(tmp_path: Path) -> None:
    first = touch(tmp_path / "CK_data.h5", b"one")
    shutil.copy(first, tmp_path / "CK_data (1).h5")
    release = choose(tmp_path)
    assert release.note == "layout: h5, in CK_data (1).h5 (not used: a copy in CK_data.h5)"
    first.write_bytes(b"two")
    with raises_code("ckplus-release.several", "layout h5", "2: CK_data (1).h5, CK_data.h5."):
        choose(tmp_path)


def test_copies_of_labels_are_one_and_different_ones_an_error(tmp_path: Path) -> None:
    images(tmp_path / "images")
    labels(tmp_path / "Emotion")
    second = labels(tmp_path / "Emotion(2)", b"3")
    release = choose(tmp_path)
    assert release.labels == tmp_path / "Emotion"
    assert release.note.endswith("(not used: a copy of the labels in Emotion(2))")
    second.write_bytes(b"4")
    with raises_code("ckplus-release.several", "folder of labels", "2: Emotion, Emotion(2)."):
        choose(tmp_path)


def test_no_release_error_lists_the_expected_files_and_access(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b.txt")
    os.symlink("/", tmp_path / "a" / "out")
    examples = ("S005_001_00000011_emotion.txt", "CK_data.h5", "ckextended.csv")
    with raises_code(
        "ckplus-release.missing", ACCESS_INSTRUCTIONS, "a/out (link out of the root)", *examples
    ):
        choose(tmp_path)


def test_missing_root_or_another_file_is_an_error(tmp_path: Path) -> None:
    with raises_code("ckplus-root.missing", tmp_path / "nowhere", ACCESS_INSTRUCTIONS):
        search_releases(tmp_path / "nowhere")
    touch(tmp_path / "ck.zip")
    with raises_code("ckplus-root.other-file", ".h5 or a .csv", tmp_path / "ck.zip"):
        search_releases(tmp_path / "ck.zip")
