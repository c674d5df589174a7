from pathlib import Path

import pytest

from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import ClipFiles, Release
from datasets.smic.clip_folders import detect_layout, find_modality, list_clip_folders, parse_clip_name


@pytest.mark.parametrize("text", ["s1_ne_01", "s01_ne_01", "S01_NE_1", " 1_ne_01 "])
def test_every_spelling_of_a_clip_is_one_clip(text: str) -> None:
    assert parse_clip_name(text) == ("s01", "s01_ne_01", "negative")


@pytest.mark.parametrize("text", ["", "s1_an_01", "s1_ne", "micro", "s1_ne_01_2"])
def test_other_names_are_no_clips(text: str) -> None:
    assert parse_clip_name(text) is None


def test_clips_lie_in_the_subject_or_in_its_micro_and_class_folders(tmp_path: Path) -> None:
    for name in ("s1_ne_01", "micro/positive/s1_po_02", "micro/s01_sur_03", "non_micro/s1_ne_09"):
        (tmp_path / "s1" / name).mkdir(parents=True)
    clips = list_clip_folders(DirectoryTree(tmp_path), tmp_path / "s1")
    assert [name for name, _ in clips] == ["s01_po_02", "s01_sur_03", "s01_ne_01"]


@pytest.mark.parametrize(
    ("text", "camera"),
    [
        ("HS", "hs"),
        ("SMIC_HS_E", "hs"),
        ("HS_long", "hs"),
        ("SMIC-VIS-E", "vis"),
        ("nir", "nir"),
        ("this", ""),
    ],
)
def test_a_camera_is_a_word_of_its_own(text: str, camera: str) -> None:
    assert find_modality(text) == camera


@pytest.mark.parametrize(
    ("folder", "frame", "layout"),
    [
        ("SMIC_all_cropped/HS", "image1.jpg", "hs_cropped"),
        ("SMIC_all_raw/VIS", "image1.bmp", "vis_raw"),
        ("HS_long/SMIC_HS_E", "image17581039.jpg", "hs_raw"),
        ("x/NIR", "reg_image1.bmp", "nir_cropped"),
        ("x/y", "image1.jpg", "hs_raw"),
    ],
)
def test_folders_and_frames_tell_the_layout(folder: str, frame: str, layout: str) -> None:
    files = {("s01", "s01_ne_01"): ClipFiles(frame_paths={1: f"/x/{frame}"})}
    release = Release(folder=Path("/data") / folder, form="frames", files_by_clip=files)
    assert detect_layout(release) == layout
