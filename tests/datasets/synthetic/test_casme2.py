import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import openpyxl
import pandas as pd
import pytest

from datasets.casme2.loader import load
from datasets.synthetic.casme2 import plan_casme2_jobs
from datasets.synthetic.casme2_plan import plan_clips
from datasets.synthetic.casme2_quirks import TRUNCATED_CLIP, with_release_quirks
from datasets.synthetic.clip_writer import RenderJob
from datasets.synthetic.coding_sheet import write_sheet
from datasets.synthetic.spec import SyntheticSpec
from datasets.synthetic_marker import MARKER
from tests.datasets.image_files import load_image


@pytest.fixture(scope="module")
def quirky_set(synthetic_set: Callable[..., Path]) -> Path:
    return synthetic_set(clips=26, quirks=True)


def rows(root: Path) -> pd.DataFrame:
    sheet = root / "CASME2-coding-20140508.xlsx"
    return pd.read_excel(sheet, dtype={"Subject": str, "Action Units": object})


def iter_rows(root: Path) -> Iterator[Any]:
    """Yield the rows of the coding sheet with the columns as attributes."""
    yield from rows(root).itertuples()


def numbers(folder: Path, prefix: str) -> list[int]:
    return sorted(int(path.stem.removeprefix(prefix)) for path in folder.iterdir() if path.name[0] != ".")


def test_raw_selected_has_onset_to_offset_with_the_sheets_numbers(synthetic_set: Callable[..., Path]) -> None:
    root = synthetic_set("casme2-raw-selected")
    for row in iter_rows(root):
        folder = root / "CASME2_RAW_selected" / f"sub{row.Subject}" / row.Filename
        assert numbers(folder, "img") == list(range(row.OnsetFrame, row.OffsetFrame + 1))
    assert load_image(next(folder.iterdir())).shape == (480, 640, 3)


def test_raw_layout_has_complete_recordings(synthetic_set: Callable[..., Path]) -> None:
    root = synthetic_set("casme2-raw")
    assert sorted(path.name for path in root.iterdir()) == [
        "CASME2-RAW",
        "CASME2-coding-20140508.xlsx",
        MARKER,
    ]
    for row in iter_rows(root):
        folder = root / "CASME2-RAW" / f"sub{row.Subject}" / row.Filename
        assert numbers(folder, "img") == list(range(1, row.OffsetFrame + 4))


@pytest.mark.slow
def test_compressed_is_one_video_per_recording(synthetic_set: Callable[..., Path]) -> None:
    root = synthetic_set("casme2-compressed")
    for row in iter_rows(root):
        video = root / "CASME2_compressed" / f"sub{row.Subject}" / f"{row.Filename}.avi"
        reader = cv2.VideoCapture(str(video))
        assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == row.OffsetFrame + 3
        assert reader.get(cv2.CAP_PROP_FPS) == 200
        assert reader.read()[1].shape == (480, 640, 3)
        reader.release()
    assert len(list(root.rglob("*.avi"))) == 7


def test_requested_sheet_is_written(synthetic_set: Callable[..., Path]) -> None:
    names = sorted(path.name for path in synthetic_set(sheet="xls").iterdir())
    assert names == sorted(["CASME2_label_Ver_2.xls", "Cropped", MARKER])


def test_full_size_set_has_the_clips_that_identify_2019(tmp_path: Path) -> None:
    clips = plan_clips(subjects=24, clips=48, frames=3, balance=False, seed=0)
    sheet = write_sheet(with_release_quirks(clips, subjects=24).rows, tmp_path, form="2019")
    table = pd.read_excel(sheet, dtype={"Subject": str})
    identifying = table[
        (table["Subject"] == "24") & table["Filename"].isin(["EP07_01", "EP07_04f", "EP10_03"])
    ]
    assert identifying["Estimated Emotion"].tolist() == ["surprise"] * 3


@pytest.mark.slow
def test_quirks_nest_the_part_in_itself(quirky_set: Path) -> None:
    nests = {path.parent.relative_to(quirky_set).as_posix() for path in quirky_set.rglob("sub01")}
    assert nests == {"Cropped/Cropped"}


def jobs_with_quirks(layout: str) -> list[RenderJob]:
    spec = SyntheticSpec(layout=layout, subjects=2, clips=26, frames=3, quirks=True)
    clips = plan_clips(subjects=2, clips=26, frames=3, balance=False, seed=0)
    return list(plan_casme2_jobs(spec, with_release_quirks(clips, subjects=2), Path("set")))


@pytest.mark.parametrize(
    ("layout", "folder"),
    [
        ("casme2", "Cropped/Cropped/sub01/EP02_02f"),
        ("casme2-raw", "CASME2-RAW/CASME2-RAW/sub01/EP02_02f"),
        ("casme2-raw-selected", "CASME2_RAW_selected/CASME2_RAW_selected/1/EP02_02f"),
        ("casme2-compressed", "CASME2_compressed/CASME2_compressed/sub01"),
    ],
)
def test_quirks_nest_every_part_and_rename_the_subjects_of_raw_selected(layout: str, folder: str) -> None:
    (job,) = (job for job in jobs_with_quirks(layout) if (job.clip.subject, job.clip.name) == (1, "EP02_02f"))
    assert job.folder == Path("set") / folder


@pytest.mark.slow
def test_raw_selected_with_quirks_is_written_as_planned(synthetic_set: Callable[..., Path]) -> None:
    root = synthetic_set("casme2-raw-selected", clips=26, quirks=True)
    nest = root / "CASME2_RAW_selected" / "CASME2_RAW_selected"
    assert sorted(path.name for path in nest.iterdir() if path.is_dir()) == ["1", "2"]


def test_quirks_remove_rows_and_folders(quirky_set: Path) -> None:
    listed = {f"sub{row.Subject}/{row.Filename}" for row in rows(quirky_set).itertuples()}
    folders = {f"{path.parent.name}/{path.name}" for path in quirky_set.glob("Cropped/Cropped/sub*/EP*")}
    assert len(listed - folders) == 1
    # Subjects 9 and 24 of the release are 1 and 2 here.
    assert folders - listed == {"sub01/EP02_02f", "sub02/EP02_07"}


def test_clip_is_shorter_than_its_row(quirky_set: Path) -> None:
    short = rows(quirky_set).query("Filename == 'EP01_08'").iloc[0]
    folder = quirky_set / "Cropped" / "Cropped" / "sub02" / "EP01_08"
    assert numbers(folder, "reg_img") == [short["OnsetFrame"], short["OnsetFrame"] + 1]
    assert short["OffsetFrame"] == short["OnsetFrame"] + 2


@pytest.mark.parametrize("layout", ["casme2-raw", "casme2-compressed"])
def test_recording_is_complete_if_the_cropped_clip_is_short(layout: str) -> None:
    (job,) = (job for job in jobs_with_quirks(layout) if job.clip.name == TRUNCATED_CLIP[1])
    assert job.frame_numbers == range(1, job.clip.offset + 4)


def test_sheet_with_quirks_has_unusual_apexes_and_action_units(quirky_set: Path) -> None:
    table = rows(quirky_set)
    assert (table["ApexFrame"] == "/").sum() == 1
    assert (table["ApexFrame"] == table["OnsetFrame"]).sum() == 1
    assert (table["ApexFrame"] == table["OffsetFrame"]).sum() == 4
    units = table["Action Units"].tolist()
    assert 4 in units
    assert {"4+L10", "?"} <= {cell for cell in units if isinstance(cell, str)}
    unusual = [name for name in table["Filename"] if not re.fullmatch(r"EP\d\d_\d\df?", name)]
    assert sorted(unusual) == ["EP01_2", "EP06_02_01", "EP06_02_02", "EP08_1", "EP09f"]


def test_quirks_add_junk_files(quirky_set: Path) -> None:
    lock = quirky_set / "~$CASME2-coding-20140508.xlsx"
    assert not lock.read_bytes().startswith(b"PK")
    first = quirky_set / "Cropped" / "Cropped" / "sub01"
    assert (first / "Desktop - Shortcut.lnk").is_file()
    for folder in (quirky_set, quirky_set / "Cropped" / "Cropped", first):
        assert (folder / ".DS_Store").is_file()
    assert list(first.glob("EP*/Thumbs.db"))
    assert list(first.glob("EP*/._reg_img*.jpg"))
    book = openpyxl.load_workbook(quirky_set / "CASME2-ObjectiveClasses.xlsx")
    assert book["Sheet1"].max_row == 27


def test_set_without_quirks_has_no_junk(synthetic_set: Callable[..., Path]) -> None:
    root = synthetic_set()
    assert {path.suffix for path in root.rglob("*") if path.is_file()} == {".xlsx", ".jpg", ".txt"}
    assert {path.name for path in root.rglob("*.txt")} == {MARKER}
    assert not [path for path in root.rglob("*") if path.name[0] in ".~"]


def test_loader_of_the_real_set_lists_quirks(quirky_set: Path) -> None:
    table = load(quirky_set, "onset_offset")
    locations = {anomaly.location for anomaly in table.anomalies}
    assert {"sub01/EP02_02f", "sub02/EP02_07", "sub02/EP01_08"} <= locations
    assert {sample.subject for sample in table.samples} == {"sub01", "sub02"}
    assert min(table.count_per_class()) > 0
