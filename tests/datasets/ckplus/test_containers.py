from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import ExternalLink
from numpy.typing import NDArray

from datasets.ckplus.containers import MAX_ROWS, check_structure, read_csv, read_h5
from datasets.spec import Anomaly
from tests.error_codes import raises_code

FACE = " ".join(["128"] * 2304)


@pytest.fixture
def h5(tmp_path: Path) -> Callable[..., Path]:
    def make(**parts: Any) -> Path:
        with h5py.File(tmp_path / "CK_data.h5", "w") as file:
            for name, value in parts.items():
                file[name] = value
        return tmp_path / "CK_data.h5"

    return make


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def make(text: str | bytes) -> Path:
        path = tmp_path / "ckextended.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def faces(count: int) -> NDArray[np.uint8]:
    return np.zeros((count, 48, 48), np.uint8)


def list_anomalies(rows: tuple[Anomaly, ...]) -> list[tuple[str, ...]]:
    return [
        (anomaly.code, anomaly.location, anomaly.description.split(": row ")[-1], anomaly.action)
        for anomaly in rows
    ]


def test_h5_numbers_contempt_six(h5: Callable[..., Path]) -> None:
    rows = read_h5(h5(data_pixel=faces(7), data_label=np.arange(7)), location="CK_data.h5")
    assert [emotion for _, emotion in rows.emotions] == [
        "anger",
        "disgust",
        "fear",
        "happy",
        "sadness",
        "surprise",
        "contempt",
    ]
    assert [row for row, _ in rows.emotions] == list(range(7))
    assert rows.anomalies == ()
    assert rows.notes == ("rows: 7",)


def test_labels_that_are_none_are_left_out_and_grouped(h5: Callable[..., Path]) -> None:
    path = h5(data_pixel=faces(9), data_label=np.array([0, 7, -1, 1, 7, 7, 7, 7, 7], np.int8))
    rows = read_h5(path, location="a/CK_data.h5")
    assert rows.emotions == ((0, "anger"), (3, "disgust"))
    assert list_anomalies(rows.anomalies) == [
        ("unknown label", "a/CK_data.h5", "1, 2, 4, 5, 6 and 2 more", "7 were left out")
    ]


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({}, "it lacks data_pixel and data_label; found: nothing"),
        ({"data_pixel": faces(2)}, "it lacks data_label; found: data_pixel"),
        ({"data_pixel": faces(2), "data_label": [0, 1, 2]}, "data_label is int64 (3,)"),
        ({"data_pixel": faces(2), "data_label": [[0], [1]]}, "data_label is int64 (2, 1)"),
        ({"data_pixel": faces(2), "data_label": [0.0, 1.0]}, "data_label is float64"),
        ({"data_pixel": faces(2), "data_label": [b"0", b"1"]}, "data_label is object"),
        ({"data_pixel": faces(2) / 255, "data_label": [0, 1]}, "data_pixel is float64 (2, 48, 48)"),
        (
            {"data_pixel": np.zeros((2, 2304), np.uint8), "data_label": [0, 1]},
            "data_pixel is uint8 (2, 2304)",
        ),
        ({"data_pixel": np.zeros((2, 48, 64), np.uint8), "data_label": [0, 1]}, "(2, 48, 64)"),
        ({"data_pixel": np.uint8(3), "data_label": [0]}, "data_pixel is uint8 ()"),
        ({"data_pixel": faces(0), "data_label": np.zeros(0, int)}, "N is 0"),
        (
            {"data_pixel/inner": faces(2), "data_label": [0, 1]},
            "data_pixel is not a data set",
        ),
        ({"data_pixel": h5py.ExternalLink("x.h5", "/y"), "data_label": [0]}, "data_pixel is not a data set"),
        ({"data_pixel": h5py.SoftLink("/nowhere"), "data_label": [0]}, "data_pixel is not a data set"),
        ({"data_pixel": h5py.Empty("u1"), "data_label": [0]}, "data_pixel is uint8 None"),
    ],
)
def test_an_h5_of_another_form_has_one_fault(
    h5: Callable[..., Path], parts: dict[str, object], fault: str
) -> None:
    with h5py.File(h5(**parts), "r") as file:
        assert fault in check_structure(file)


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"data_pixel": faces(2)}, "it lacks data_label; found: data_pixel"),
        ({"data_pixel": h5py.ExternalLink("x.h5", "/y"), "data_label": [0]}, "data_pixel is not a data set"),
    ],
)
def test_a_fault_is_one_clear_error(
    h5: Callable[..., Path], parts: dict[str, NDArray[np.uint8] | ExternalLink | list[int]], fault: str
) -> None:
    with raises_code("ckplus-h5.invalid", "CK_data.h5", fault):
        read_h5(h5(**parts), location="CK_data.h5")


def test_pixels_stored_in_another_file_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "CK_data.h5", "w") as file:
        outside = [(str(tmp_path / "raw"), 0, 2304)]
        file.create_dataset("data_pixel", (1, 48, 48), "u1", external=outside)
        file["data_label"] = [0]
    with raises_code("ckplus-h5.invalid", "data_pixel is not a data set"):
        read_h5(tmp_path / "CK_data.h5", location="")


def test_h5_with_too_many_rows_is_refused_unread(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "CK_data.h5", "w") as file:
        file.create_dataset("data_pixel", (10**9, 48, 48), "u1", chunks=(1, 48, 48))
        file.create_dataset("data_label", (10**9,), "i8", chunks=(1024,))
    with raises_code("ckplus-h5.invalid", f"from 1 to {MAX_ROWS};", "N is 1000000000"):
        read_h5(tmp_path / "CK_data.h5", location="")


def test_truncated_h5_is_an_error(h5: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    # Probing each file in its own process first would take half a minute.
    monkeypatch.setattr("datasets.ckplus.containers.probe_in_subprocess", lambda *_, **__: "")
    path = h5(data_pixel=faces(1), data_label=[0])
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with raises_code("ckplus-h5.invalid", path):
            read_h5(path, location="")


def test_csv_numbers_neutral_six_and_contempt_seven(table: Callable[[str | bytes], Path]) -> None:
    text = "emotion,pixels,Usage\n" + "".join(f"{code},{FACE},Training\n" for code in range(8))
    rows = read_csv(table(text), location="ckextended.csv")
    assert [emotion for _, emotion in rows.emotions] == [
        "anger",
        "disgust",
        "fear",
        "happy",
        "sadness",
        "surprise",
        "neutral",
        "contempt",
    ]
    assert rows.notes[0] == "rows: 8"
    assert "920" in rows.notes[1]


@pytest.mark.parametrize(
    "header", ["Emotion, Pixels ,usage", "\ufeffemotion,pixels", "PIXELS,x,EMOTION", '"emotion","pixels"']
)
def test_columns_are_matched_in_any_case_and_order(table: Callable[[str | bytes], Path], header: str) -> None:
    cells = f"{FACE},0,3" if header.startswith("PIX") else f"3,{FACE},0"
    assert read_csv(table(f"{header}\r\n{cells}\r\n"), location="").emotions == ((0, "happy"),)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("path,label,subject\na.png,happy,1\n", "lacks emotion and pixels; found: path, label, subject"),
        ("emotion,Usage\n3,Training\n", "lacks pixels; found: emotion, usage"),
        ("", "lacks emotion and pixels; found: none"),
        (f"\nemotion,pixels\n3,{FACE}\n", "lacks emotion and pixels; found: none"),
        (f"3,{FACE},Training\n", "lacks emotion and pixels; found: 3, 128 128"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "lacks emotion and pixels"),
        ("emotion,pixels\n".encode("utf-16"), "lacks emotion and pixels"),
    ],
)
def test_csv_of_other_columns_is_one_clear_error(
    table: Callable[[str | bytes], Path], text: str | bytes, columns: str
) -> None:
    with raises_code("ckplus-csv.missing-columns", f".csv {columns}"):
        read_csv(table(text), location="")


def test_rows_without_a_complete_image_are_left_out_and_grouped(table: Callable[[str | bytes], Path]) -> None:
    bad = [
        FACE[:-4],
        FACE + " 1",
        FACE[:-3] + "256",
        FACE[:-3] + "-1",
        FACE[:-3] + "1.5",
        FACE[:-3] + "x",
        "",
    ]
    lines = [f"3,{FACE}", *(f"3,{pixels}" for pixels in bad), "3", f"9,{FACE}", f"x,{FACE}", f"4.0,{FACE}"]
    rows = read_csv(table("\n".join(["emotion,pixels", *lines])), location="ckextended.csv")
    assert rows.emotions == ((0, "happy"), (11, "sadness"))
    assert list_anomalies(rows.anomalies) == [
        ("unknown label", "ckextended.csv", "9, 10", "2 were left out"),
        ("unusable row", "ckextended.csv", "8", "1 were left out"),
        ("unusable row", "ckextended.csv", "1, 2, 3, 4, 5 and 2 more", "7 were left out"),
    ]


def test_empty_lines_are_no_rows(table: Callable[[str | bytes], Path]) -> None:
    rows = read_csv(table(f"emotion,pixels\n\n3,{FACE}\n\n4,{FACE}\n\n"), location="")
    assert rows.emotions == ((0, "happy"), (1, "sadness"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'emotion,pixels\n3,{FACE}\n3,"{FACE}\n', "unexpected end of data"),
        ("emotion,pixels\n3," + "1 " * 100_000, "field larger than field limit"),
        ("1 " * 600_000, "a line has 1048576 characters or more"),
        ("emotion,pixels\n" + "0,\n" * (MAX_ROWS + 1), f"more than {MAX_ROWS} rows"),
    ],
)
def test_csv_that_is_no_table_or_far_too_long_is_one_clear_error(
    table: Callable[[str | bytes], Path], text: str, reason: str
) -> None:
    with raises_code("ckplus-csv.unreadable", "ckextended.csv", reason):
        read_csv(table(text), location="")


def test_container_that_is_a_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "ck.h5").mkdir()
    with raises_code("ckplus-h5.invalid", tmp_path / "ck.h5"):
        read_h5(tmp_path / "ck.h5", location="")
    with raises_code("ckplus-csv.unreadable", tmp_path / "ck.h5"):
        read_csv(tmp_path / "ck.h5", location="")
