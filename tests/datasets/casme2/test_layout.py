from pathlib import Path
from typing import Any

from datasets.casme2.layout import detect_layout
from datasets.sheets.clip_files import ClipFiles, Release
from datasets.sheets.coding_sheet import SheetRow

ROOT = Path("/data")


def row(name: str, onset: str = "5", offset: str = "8") -> SheetRow:
    return SheetRow(
        line_number=2, subject="sub01", filename=name, onset=onset, apex="6", offset=offset, emotion="fear"
    )


def release(form: str, folder: str = "x", **clips: Any) -> Release:
    files = {
        ("sub01", name): ClipFiles(frame_paths=dict.fromkeys(numbers, "")) for name, numbers in clips.items()
    }
    return Release(folder=ROOT / folder, form=form, files_by_clip=files)


ROWS = [row("EP01"), row("EP02"), row("EP03"), row("EP04", onset="x"), row("EP09")]
INSIDE, BEFORE, AFTER = range(5, 9), range(4, 9), range(5, 10)
RAW = release("img", "r", EP01=BEFORE, EP02=AFTER, EP03=INSIDE, EP07=INSIDE)
SELECTED = release("img", "s", EP01=INSIDE, EP02=INSIDE, EP03=AFTER, EP04=AFTER, EP07=AFTER)
CROPPED = release("cropped", "c", EP01=BEFORE, EP02=BEFORE)
COMPRESSED = release("compressed", "v")


def test_frames_after_clip_ends_distinguish_the_raw_layouts() -> None:
    assert detect_layout(RAW, ROWS) == "raw"
    assert detect_layout(SELECTED, ROWS) == "raw_selected"


def test_half_of_the_clips_is_no_majority() -> None:
    assert detect_layout(release("img", EP01=BEFORE, EP02=INSIDE), ROWS) == "raw_selected"


def test_layout_ignores_empty_folders_and_rows_without_numbers() -> None:
    assert detect_layout(release("img", EP01=BEFORE, EP02=(), EP04=INSIDE), ROWS) == "raw"
    assert detect_layout(release("img", EP07=BEFORE), ROWS) == "raw_selected"


def test_names_identify_the_other_layouts() -> None:
    assert detect_layout(CROPPED, ROWS) == "cropped"
    assert detect_layout(COMPRESSED, ROWS) == "compressed"
