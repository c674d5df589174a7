from pathlib import Path

import pytest

from datasets.smic.loader import load
from tests.datasets.smic.releases import HEADER, write_annotation, write_clip
from tests.error_codes import raises_code


@pytest.fixture
def root(tmp_path: Path) -> Path:
    cropped = tmp_path / "SMIC_all_cropped"
    write_clip(cropped / "HS/s1/micro/negative/s1_ne_01", range(10, 15))
    write_clip(cropped / "HS/s02/micro/surprise/s02_sur_05", [1758, 1759, 1800, 1801])
    write_clip(cropped / "VIS/s1/micro/positive/s1_po_01", [1, 2])
    write_clip(tmp_path / "HS_long/SMIC_HS_E/s1/s1_ne_01", range(5, 20), form="image{}.jpg")
    write_annotation(
        tmp_path / "SMIC-HS-E_annotation.xlsx", [("s1", "s1_ne_01", 11, 13, None, None, 5, '=IF(1,"","")')]
    )
    return tmp_path


def test_the_clips_come_from_the_folders_and_their_frames_from_the_annotation(root: Path) -> None:
    table = load(root, "onset_offset")
    assert table.count_per_class() == (3, 0, 4)
    assert [sample.frame_number for sample in table.samples] == [11, 12, 13, 1758, 1759, 1800, 1801]
    assert table.samples[0].clip == "s01/s01_ne_01"
    assert (table.layout, table.is_aligned) == ("hs_cropped", True)
    assert table.expected_clip_counts == (70, 51, 43)
    assert [(anomaly.code, anomaly.location) for anomaly in table.anomalies] == [("no row", "s02/s02_sur_05")]


def test_the_apex_is_the_middle_frame_and_a_note_says_so(root: Path) -> None:
    table = load(root, "apex")
    assert [sample.frame_number for sample in table.samples] == [12, 1759]
    assert [sample.role for sample in table.samples] == ["apex", "apex"]
    assert "apex: 2 of 2 clips have no usable apex; their middle frame takes its place" in table.notes


def test_an_apex_of_the_annotation_is_used(root: Path) -> None:
    write_annotation(
        root / "SMIC-HS-E_annotation.xlsx",
        [("s1", "s1_ne_01", 11, 13, None, None, 13, "negative")],
        header=(*HEADER[:6], "ApexF", HEADER[7]),
    )
    assert load(root, "apex").samples[0].frame_number == 13


@pytest.mark.parametrize(("layout", "frames", "is_aligned"), [("hs_raw", 3, False), ("vis_cropped", 2, True)])
def test_the_other_releases_are_a_choice(root: Path, layout: str, frames: int, is_aligned: bool) -> None:
    table = load(root, "onset_offset", layout=layout)
    assert (table.layout, len(table.samples), table.is_aligned) == (layout, frames, is_aligned)
    assert bool(table.expected_clip_counts) == layout.startswith("hs")


def test_a_camera_that_is_not_there_is_an_error_that_says_what_is(root: Path) -> None:
    with raises_code("release-layout.missing", "nir_raw", "hs_cropped in SMIC_all_cropped/HS"):
        load(root, "apex", layout="nir_raw")
