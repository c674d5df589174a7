import csv
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from datasets.ckplus import loader as ckplus
from datasets.ckplus.constants import H5_CODES, LABEL_CODES, SEQUENCE_COUNTS
from datasets.spec import ImageRef, SampleTable
from tests.error_codes import raises_code

CODES = {name: code for code, name in LABEL_CODES.items()}
FACE = np.zeros((48, 48), np.uint8)


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def write_official(
    root: Path,
    sequences: list[tuple[str, str, int, str | None]],
    images: str = "cohn-kanade-images",
    labels: str = "Emotion",
) -> Path:
    """Write the official layout of (subject, sequence, frames, emotion) rows; the last frame is labelled."""
    for subject, sequence, count, emotion in sequences:
        folder, stem = f"{subject}/{sequence}", f"{subject}_{sequence}"
        for frame in range(1, count + 1):
            touch(root / images / folder / f"{stem}_{frame:08d}.png")
        if emotion:
            label = root / labels / folder / f"{stem}_{count:08d}_emotion.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(f"   {CODES[emotion]:.7e}\n")
    return root


def write_ck48(root: Path, sequences: Sequence[tuple[str, str, int, str]], below: str = "CK+48") -> Path:
    """Write the CK+48 layout: the last three of `count` frames of every sequence."""
    for subject, sequence, count, emotion in sequences:
        for frame in range(count - 2, count + 1):
            touch(root / below / emotion / f"{subject}_{sequence}_{frame:08d}.png")
    return root


def h5(path: Path, labels: list[int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["data_pixel"] = np.zeros((len(labels), 48, 48), np.uint8)
        file["data_label"] = np.array(labels, np.int64)
    return path


def table_csv(path: Path, labels: list[int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        writer.writerows([label, " ".join(["7"] * 2304), "Training"] for label in labels)
    return path


SEQUENCES = [
    ("S005", "001", 11, "disgust"),
    ("S010", "002", 12, "happy"),
    ("S010", "004", 5, None),
    ("S147", "001", 4, "contempt"),
    ("S999", "003", 10, "anger"),
]


def write_complete() -> list[tuple[str, str, int, str]]:
    """Write as many labelled sequences per class as a complete release has, with few subjects."""
    emotions = [name for name, count in SEQUENCE_COUNTS.items() for _ in range(count)]
    return [(f"S{row // 100:03d}", f"{row % 100:03d}", 3, emotion) for row, emotion in enumerate(emotions)]


def ids(table: SampleTable) -> list[str]:
    return [sample.id for sample in table.samples]


def test_last_three_frames_of_labelled_sequences(tmp_path: Path) -> None:
    table = ckplus.load(write_official(tmp_path, SEQUENCES), "last3")
    assert table.classes == ("anger", "disgust", "fear", "happy", "sadness", "surprise")
    assert ids(table) == [
        *(f"S005/001/{frame}" for frame in (9, 10, 11)),
        *(f"S010/002/{frame}" for frame in (10, 11, 12)),
        *(f"S999/003/{frame}" for frame in (8, 9, 10)),
    ]
    assert table.count_per_class() == (3, 3, 0, 3, 0, 0)
    assert table.standard_folds == 10
    assert (table.dataset, table.frame_policy, table.layout, table.is_aligned) == (
        "ckplus",
        "last3",
        "official",
        False,
    )
    peak = table.samples[2]
    first = tmp_path / "cohn-kanade-images/S005/001/S005_001_00000001.png"
    assert (peak.subject, peak.clip, peak.frame_number, peak.role, peak.frame_index) == (
        "S005",
        "S005/001",
        11,
        "apex",
        -1,
    )
    assert Path(peak.path) == first.with_name("S005_001_00000011.png")
    assert peak.onset_ref == ImageRef(str(first))
    assert [sample.role for sample in table.samples[:2]] == ["", ""]
    assert table.anomalies == ()


def test_peak_policy_selects_one_frame(tmp_path: Path) -> None:
    table = ckplus.load(write_official(tmp_path, SEQUENCES), "peak")
    assert ids(table) == ["S005/001/11", "S010/002/12", "S999/003/10"]
    assert {sample.role for sample in table.samples} == {"apex"}
    assert table.expected_sample_counts == table.expected_clip_counts


def test_all_policy_orders_frames_by_number(tmp_path: Path) -> None:
    table = ckplus.load(write_official(tmp_path, SEQUENCES[:1]), "all")
    assert [sample.frame_number for sample in table.samples] == list(range(1, 12))
    assert [sample.role for sample in table.samples] == ["onset", *[""] * 9, "apex"]
    assert table.expected_sample_counts == ()


def test_sequence_without_first_frame_has_no_onset(tmp_path: Path) -> None:
    root = write_official(tmp_path, SEQUENCES[:1])
    next(root.rglob("S005_001_00000001.png")).unlink()
    table = ckplus.load(root, "all")
    assert [sample.frame_number for sample in table.samples] == list(range(2, 12))
    assert {sample.onset_ref for sample in table.samples} == {None}
    assert [sample.role for sample in table.samples] == [*[""] * 9, "apex"]
    assert [anomaly.code for anomaly in table.anomalies] == ["missing frames"]


def test_selected_classes_are_loaded_and_others_noted(tmp_path: Path) -> None:
    root = write_official(tmp_path, SEQUENCES)
    table = ckplus.load(root, "peak", classes=("happy", "contempt"))
    assert table.classes == ("contempt", "happy")
    assert ids(table) == ["S010/002/12", "S147/001/4"]
    assert [sample.label for sample in table.samples] == [1, 0]
    assert (table.expected_clip_counts, table.expected_sample_counts) == ((18, 69), (18, 69))
    assert "anger: 1 sequences, left out: not among the selected classes" in table.notes
    with raises_code("class.unknown", "'bored'", "ckplus", "anger, contempt"):
        ckplus.load(root, "peak", classes=("happy", "bored"))


def test_notes_list_the_content_and_exclusions(tmp_path: Path) -> None:
    assert ckplus.load(write_official(tmp_path, SEQUENCES), "last3").notes == (
        "layout: official, images in cohn-kanade-images, labels in Emotion",
        "sequences: 5, of 4 subjects",
        "unlabelled: 1 sequences have no label file and were left out",
        "contempt: 1 sequences, left out: not among the selected classes",
        "frames: 9, of 3 sequences",
    )


@pytest.mark.parametrize("write", [write_official, write_ck48])
def test_complete_release_has_the_expected_counts(tmp_path: Path, write: Callable[..., Path]) -> None:
    table = ckplus.load(write(tmp_path, write_complete()), "last3", classes=ckplus.CLASSES)
    assert table.count_per_class() == table.expected_sample_counts == (135, 54, 177, 75, 207, 84, 249)
    assert table.expected_clip_counts == (45, 18, 59, 25, 69, 28, 83)
    assert table.anomalies == ()
    assert table.notes[-1] == "happy: 207 frames, as in a complete release; the paper's Table 2 has 206"


def test_ck48_has_three_frames_per_sequence_and_no_onset(tmp_path: Path) -> None:
    labelled = [(subject, name, count, emotion) for subject, name, count, emotion in SEQUENCES if emotion]
    root = write_ck48(tmp_path, labelled)
    table = ckplus.load(root, "last3")
    assert ids(table)[:3] == ["S005/001/9", "S005/001/10", "S005/001/11"]
    assert [sample.role for sample in table.samples[:3]] == ["", "", "apex"]
    assert {sample.onset_ref for sample in table.samples} == {None}
    assert (table.layout, table.is_aligned, table.count_per_class()) == ("ck48", True, (3, 3, 0, 3, 0, 0))
    assert ids(ckplus.load(root, "peak")) == ["S005/001/11", "S010/002/12", "S999/003/10"]
    with raises_code("ckplus-frame-policy.layout", "'all'", "only the last three", ": last3, peak."):
        ckplus.load(root, "all")


def test_h5_has_rows_and_neither_subjects_nor_clips(tmp_path: Path) -> None:
    path = h5(tmp_path / "CK_data.h5", [6, 0, 1, 2, 3, 4, 5, 6])
    table = ckplus.load(tmp_path, "last3")
    assert [table.classes[sample.label] for sample in table.samples] == list(table.classes)
    first = table.samples[0]
    assert (first.id, first.frame_index, first.frame_number, first.subject, first.clip) == (
        "h5/1",
        1,
        1,
        "",
        "",
    )
    assert (first.path, first.onset_ref, first.role) == (str(path), None, "")
    assert (table.layout, table.is_aligned, table.expected_clip_counts, table.standard_folds) == (
        "h5",
        True,
        (),
        0,
    )
    assert table.expected_sample_counts == (135, 177, 75, 207, 84, 249)
    assert "contempt: 2 rows, left out: not among the selected classes" in table.notes


def test_complete_h5_is_noted(tmp_path: Path) -> None:
    codes = [code for code, name in H5_CODES.items() for _ in range(3 * SEQUENCE_COUNTS[name])]
    table = ckplus.load(h5(tmp_path / "CK_data.h5", codes), "last3", classes=ckplus.CLASSES)
    assert table.count_per_class() == table.expected_sample_counts
    assert table.notes[-1].startswith("happy: 207 frames")


def test_csv_has_neutral_and_numbers_contempt_seven(tmp_path: Path) -> None:
    path = table_csv(tmp_path / "ckextended.csv", [6, 0, 7, 3])
    table = ckplus.load(tmp_path, "last3", classes=("anger", "contempt", "neutral", "happy"))
    assert table.classes == ("anger", "contempt", "happy", "neutral")
    class_names = {sample.id: table.classes[sample.label] for sample in table.samples}
    assert class_names == {"csv/0": "neutral", "csv/1": "anger", "csv/2": "contempt", "csv/3": "happy"}
    assert (table.samples[2].frame_index, table.samples[2].path) == (2, str(path))
    assert (table.expected_clip_counts, table.expected_sample_counts) == ((), ())
    assert ids(ckplus.load(tmp_path, "last3")) == ["csv/1", "csv/3"]


def test_neutral_is_refused_where_no_csv_was_read(tmp_path: Path) -> None:
    table_csv(write_official(tmp_path, SEQUENCES) / "ckextended.csv", [6, 0])
    with raises_code("ckplus-neutral.layout", "neutral", "official"):
        ckplus.load(tmp_path, "last3", classes=("happy", "neutral"))
    assert len(ckplus.load(tmp_path, "last3", classes=("anger", "neutral"), layout="csv").samples) == 2


@pytest.mark.parametrize("frames", ["peak", "all"])
@pytest.mark.parametrize("name", ["CK_data.h5", "ckextended.csv"])
def test_containers_have_no_sequences(tmp_path: Path, name: str, frames: str) -> None:
    path = tmp_path / name
    (h5 if path.suffix == ".h5" else table_csv)(path, [0, 1])
    with raises_code("ckplus-frame-policy.layout", repr(frames), f"rows of {name}", ": last3."):
        ckplus.load(tmp_path, frames)


def test_no_usable_image_error_lists_the_content(tmp_path: Path) -> None:
    with raises_code("ckplus.no-images", "'peak'", "happy", "contempt: 1 sequences"):
        ckplus.load(write_official(tmp_path, SEQUENCES[3:4]), "peak")


def test_unknown_layout_is_an_error(tmp_path: Path) -> None:
    with raises_code("ckplus-layout.unknown", "'png'", "official, ck48, h5, csv"):
        ckplus.load(tmp_path, "last3", layout="png")


def test_root_that_moves_changes_nothing_but_paths(tmp_path: Path) -> None:
    root = write_official(tmp_path / "here", SEQUENCES)
    (root / "cohn-kanade-images/S005/001/S005_001_00000004.png").unlink()
    before = ckplus.load(root, "all")
    after = ckplus.load(root.rename(tmp_path / "elsewhere"), "all")
    assert ids(after) == ids(before)
    assert (after.notes, after.anomalies) == (before.notes, before.anomalies)


def test_order_in_which_files_were_written_changes_nothing(tmp_path: Path) -> None:
    forwards = ckplus.load(write_official(tmp_path / "a", SEQUENCES), "all")
    backwards = ckplus.load(write_official(tmp_path / "b", SEQUENCES[::-1]), "all")
    assert ids(backwards) == ids(forwards)


def test_links_out_of_the_root_and_in_circles_are_listed_and_not_followed(tmp_path: Path) -> None:
    root = write_official(tmp_path / "root", SEQUENCES)
    outside = write_official(tmp_path / "outside", [("S011", "001", 3, "happy")])
    os.symlink(outside / "cohn-kanade-images/S011", root / "cohn-kanade-images/S011")
    os.symlink(root, root / "Emotion/loop")
    table = ckplus.load(root, "peak")
    assert {sample.subject for sample in table.samples} == {"S005", "S010", "S999"}
    listed = {(anomaly.code, anomaly.location) for anomaly in table.anomalies}
    assert listed == {
        ("link out of the root", "cohn-kanade-images/S011"),
        ("link in a circle", "Emotion/loop"),
    }


def test_images_and_labels_in_one_folder_are_one_release(tmp_path: Path) -> None:
    root = write_official(tmp_path, SEQUENCES, images="ck", labels="ck")
    shutil.copytree(root / "ck/S005", root / "ck/S5")
    table = ckplus.load(root, "peak")
    assert ids(table) == ["S005/001/11", "S010/002/12", "S999/003/10"]
    assert [(anomaly.code, anomaly.location) for anomaly in table.anomalies] == [("strange folder", "ck/S5")]
