import os
from pathlib import Path
from typing import Any

import pytest

from datasets.casme2.constants import FACTS
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import ClipFiles, build_releases
from datasets.spec import ImageRef


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize("text", ["1", "01", "1.0", "sub1", "sub01", " Sub01 ", "sub001"])
def test_every_spelling_of_a_subject_is_one_subject(text: str) -> None:
    assert FACTS.parse_subject(text) == "sub01"


@pytest.mark.parametrize("text", ["", "EP01", "sub", "1a", "2014", "-1", "nan", "١"])
def test_other_text_is_no_subject(text: str) -> None:
    assert FACTS.parse_subject(text) == ""


def test_frames_are_sorted_by_number_without_junk(tmp_path: Path) -> None:
    clip = tmp_path / "2" / "EP01"
    touch(
        clip, "reg_img100.jpg", "reg_img9.JPG", "reg_img46.png", "._reg_img47.jpg", ".DS_Store", "Thumbs.db"
    )
    touch(tmp_path / "2", "Desktop - Shortcut.lnk")
    (clip / "reg_img50.jpg").mkdir()
    (release,) = build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    take = release.files_by_clip["sub02", "EP01"]
    assert (release.form, list(release.files_by_clip)) == ("cropped", [("sub02", "EP01")])
    assert list(take.frame_paths) == [9, 46, 100]
    assert take.frame_paths[46] == str(clip / "reg_img46.png")
    assert release.anomalies == ()


def test_select_frames_returns_image_files_in_the_span(tmp_path: Path) -> None:
    take = ClipFiles(frame_paths={3: "c", 5: "e", 9: "i"})
    assert take.select_frames(4, 9) == {5: ImageRef("e"), 9: ImageRef("i")}
    assert len(take) == 3


def test_video_frames_count_from_1() -> None:
    take = ClipFiles(video_path="a.avi", num_frames=5)
    assert take.select_frames(4, 9) == {4: ImageRef("a.avi", 3), 5: ImageRef("a.avi", 4)}
    assert list(take.select_frames(0, 2)) == [1, 2]
    assert take.select_frames(6, 999_999_999) == {}
    assert len(take) == 5


def test_repeated_frames_and_strange_images_are_listed_per_clip(tmp_path: Path) -> None:
    touch(
        tmp_path / "1" / "EP01",
        "reg_img005.jpg",
        "reg_img5.jpg",
        "reg_img5.png",
        "img6.jpg",
        "a.bmp",
        "notes.txt",
    )
    (release,) = build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    files = release.files_by_clip["sub01", "EP01"].frame_paths
    assert {number: os.path.basename(path) for number, path in files.items()} == {5: "reg_img005.jpg"}
    repeated, strange = release.anomalies
    assert (repeated.code, repeated.location) == ("duplicate frame", "sub01/EP01")
    assert repeated.description == "2 of its files repeat a frame: reg_img5.jpg, reg_img5.png"
    assert (strange.code, strange.location) == ("strange image", "sub01/EP01")
    assert strange.description == "2 of its images are no reg_img<number>: a.bmp, img6.jpg"


def test_raw_clip_is_detected_by_file_names(tmp_path: Path) -> None:
    touch(tmp_path / "sub01" / "EP01", "img1.jpg", "img10.jpg", "img2.jpg", "face.jpg")
    (release,) = build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    assert (release.form, list(release.files_by_clip["sub01", "EP01"].frame_paths)) == ("img", [1, 2, 10])
    assert release.anomalies[0].description == "1 of its images are no img<number>: face.jpg"


def test_huge_number_is_no_frame(tmp_path: Path) -> None:
    touch(tmp_path / "sub01" / "EP01", "img1.jpg", f"img{'9' * 30}.jpg", "img٣.jpg")
    (release,) = build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    assert list(release.files_by_clip["sub01", "EP01"].frame_paths) == [1]
    assert release.anomalies[0].description.startswith("2 of its images")


def test_names_with_line_breaks_and_invalid_bytes_are_escaped(tmp_path: Path) -> None:
    touch(tmp_path / "sub01" / "EP\n|01", "img1.jpg", "a\n# b.png", os.fsdecode(b"\xff.png"))
    (release,) = build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    (strange,) = release.anomalies
    assert strange.location == r"sub01/EP\n|01"
    assert strange.description.endswith(r": a\n# b.png, \udcff.png")


def test_second_folder_or_video_of_a_clip_is_listed(tmp_path: Path) -> None:
    touch(tmp_path / "sub01" / "EP01", "reg_img5.jpg")
    touch(tmp_path / "1" / "EP01", "reg_img6.jpg")
    touch(tmp_path / "1", "EP02.avi", "EP02.AVI")
    cropped, compressed = build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    assert list(cropped.files_by_clip["sub01", "EP01"].frame_paths) == [6]
    (folder,), (video,) = cropped.anomalies, compressed.anomalies
    assert (folder.code, folder.location) == ("duplicate folder", "sub01/EP01")
    assert folder.description == "sub01/EP01 is a second folder of this subject and name"
    assert (video.code, video.location) == ("duplicate video", "sub01/EP02")
    assert video.description == "1/EP02.avi is a second video of this subject and name"


def test_layouts_in_one_folder_are_releases_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path / "sub01" / "EP01", "reg_img5.jpg", "img5.jpg")
    touch(tmp_path / "sub01" / "EP02", "img5.jpg", "odd.png")
    touch(tmp_path / "sub01" / "EP03")
    touch(tmp_path / "sub01", "EP01.avi")
    found = {
        release.form: release for release in build_releases(DirectoryTree(tmp_path), tmp_path, facts=FACTS)
    }
    # An empty folder counts as a clip in both kinds of layout.
    assert {form: sorted(name for _, name in release.files_by_clip) for form, release in found.items()} == {
        "cropped": ["EP01", "EP03"],
        "img": ["EP02", "EP03"],
        "compressed": ["EP01"],
    }
    assert [anomaly.description for anomaly in found["cropped"].anomalies] == [
        "1 of its images are no reg_img<number>: img5.jpg"
    ]
    assert [anomaly.location for anomaly in found["img"].anomalies] == ["sub01/EP02"]
    assert found["compressed"].files_by_clip["sub01", "EP01"] == ClipFiles(
        video_path=str(tmp_path / "sub01" / "EP01.avi")
    )


def test_links_to_frames_outside_the_root_are_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    touch(root / "sub01" / "EP01", "reg_img1.jpg")
    touch(tmp_path, "outside.jpg")
    os.symlink("reg_img1.jpg", root / "sub01" / "EP01" / "reg_img2.jpg")
    os.symlink(tmp_path / "outside.jpg", root / "sub01" / "EP01" / "reg_img3.jpg")
    os.symlink("reg_img4.jpg", root / "sub01" / "EP01" / "reg_img4.jpg")
    tree = DirectoryTree(root)
    (release,) = build_releases(tree, root, facts=FACTS)
    assert list(release.files_by_clip["sub01", "EP01"].frame_paths) == [1, 2]
    assert sorted((anomaly.code, anomaly.location) for anomaly in tree.anomalies) == [
        ("broken link", "sub01/EP01/reg_img4.jpg"),
        ("link out of the root", "sub01/EP01/reg_img3.jpg"),
    ]


def test_unreadable_clip_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "sub01" / "EP01", "reg_img1.jpg")
    touch(tmp_path / "sub01" / "EP02", "reg_img1.jpg")
    whole = os.scandir

    # Root, who runs the tests in a container, can open everything.
    def scandir(path: Path) -> Any:
        if os.fspath(path).endswith("EP02"):
            raise PermissionError(13, "Permission denied", path)
        return whole(path)

    monkeypatch.setattr(os, "scandir", scandir)
    tree = DirectoryTree(tmp_path)
    (release,) = build_releases(tree, tmp_path, facts=FACTS)
    assert len(release.files_by_clip["sub01", "EP02"]) == 0
    assert [(anomaly.code, anomaly.location) for anomaly in tree.anomalies] == [
        ("unreadable folder", "sub01/EP02")
    ]
