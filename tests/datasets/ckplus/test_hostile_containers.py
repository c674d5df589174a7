"""Tests of damaged and misleading CK+ container files: rows and anomalies, or one clear error.

No other file is read.
"""

import io
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.catalogue import load_dataset
from datasets.ckplus.labels import read_labels as read_labels
from datasets.io import hdf5
from datasets.io.directory_tree import DirectoryTree
from datasets.io.image_reader import ImageReader
from datasets.spec import ImageRef, SampleTable
from tests.error_codes import raises_code
from tests.hostile import (
    assert_bounded,
    assert_is_clear,
    case_settings,
    check_outcome,
    damaged_bytes,
    hostile_names,
    temporary_folder,
)

pytestmark = pytest.mark.slow

FACE = " ".join(["7"] * 2304)


def make_h5(**options: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("data_pixel", data=np.zeros((12, 48, 48), np.uint8), **options)
        file["data_label"] = np.arange(12) % 7
    return buffer.getvalue()


VALID = {
    "plain.h5": make_h5(),
    "packed.h5": make_h5(compression="gzip", chunks=(4, 48, 48), shuffle=True, fletcher32=True),
    "plain.csv": "\n".join(
        ["emotion,pixels,Usage", *(f"{n % 7},{FACE},Training" for n in range(8))]
    ).encode(),
}


def run_in_fork(path: Path, names: tuple[str, ...], *, rows: int) -> str:
    """Replace `hdf5.probe_in_subprocess` by a fork of this process, which starts faster."""
    child = os.fork()
    if not child:
        try:
            hdf5.read_all_rows(str(path), rows, names)
        finally:
            os._exit(0)
    return "" if os.waitpid(child, 0)[1] == 0 else "it ends the process"


@pytest.fixture
def probe_in_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.ckplus.containers.probe_in_subprocess", run_in_fork)


def check(path: Path) -> SampleTable | None:
    """Return the table of a container after checking that each image decodes or gives a reason."""
    outside = path.parent.parent / "outside"
    table = check_outcome(lambda: load_dataset("ckplus", "last3", root=path), outside=outside)
    if table is None:
        return None
    for anomaly in table.anomalies:
        assert_is_clear(f"{anomaly.code} {anomaly.location} {anomaly.description} {anomaly.action}")
    with assert_bounded(outside=outside), ImageReader() as reader:
        for sample in table.samples:
            decoded = reader.read(sample.image_ref)
            assert decoded.image is not None or decoded.fault
            assert decoded.fault.isprintable()
    return table


@pytest.mark.parametrize("name", VALID)
@case_settings(50)
@given(data=st.data())
@pytest.mark.usefixtures("probe_in_fork")
def test_damaged_container_is_read_or_refused(name: str, data: st.DataObject) -> None:
    with temporary_folder() as root:
        path = root / name
        path.write_bytes(data.draw(damaged_bytes(VALID[name])))
        check(path)


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".csv"])
def test_container_under_another_suffix_is_read_or_refused(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"ck{suffix}"
    path.write_bytes(VALID[name])
    assert (check(path) is not None) == (suffix[1] == name[-3:].strip(".")[0])


@pytest.mark.parametrize(
    "kind", ["pieces", "shape", "sparse", "labels", "side", "text", "external", "soft", "raw"]
)
def test_container_of_misleading_form_is_refused(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.h5").write_bytes(VALID["plain.h5"])
    root = tmp_path / "root"
    root.mkdir()
    with h5py.File(root / "ck.h5", "w") as file:
        shape = (12, 48, 48)
        more: dict[str, Any] = {}
        if kind == "pieces":
            more = {"chunks": (400_000, 48, 48), "maxshape": (None, 48, 48), "compression": "gzip"}
        if kind == "shape":
            shape = (2**40, 48, 48)
            more = {"chunks": (1, 48, 48)}
        if kind == "side":
            shape = (12, 2**20, 2**20)
            more = {"chunks": (1, 48, 48)}
        if kind == "sparse":
            shape = (2**31, 48, 48)
            more = {"chunks": (1, 48, 48)}
        if kind == "raw":
            more = {"external": [(str(outside / "secret.h5"), 0, 12 * 48 * 48)]}
        if kind == "external":
            file["data_pixel"] = h5py.ExternalLink(str(outside / "secret.h5"), "data_pixel")
        elif kind == "soft":
            file["data_pixel"] = h5py.SoftLink("/data_label")
        else:
            file.create_dataset("data_pixel", shape, np.uint8, **more)
        if kind == "labels":
            file.create_dataset("data_label", (12,), "V1000000")
        elif kind == "text":
            file["data_label"] = ["x"] * 12
        elif kind == "sparse":
            file.create_dataset("data_label", (2**31,), np.int8, chunks=(100,))
        else:
            file["data_label"] = np.zeros(12, np.int8)
    assert check(root / "ck.h5") is None
    with ImageReader() as reader, assert_bounded():
        decoded = reader.read(load_nothing(root / "ck.h5"))
    assert decoded.fault or kind in ("labels", "text", "sparse", "shape")


def load_nothing(path: Path) -> ImageRef:
    return ImageRef(str(path), 0)


def test_file_that_crashes_or_hangs_the_reader_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ck.h5"
    path.write_bytes(VALID["plain.h5"])
    script = tmp_path / "script.py"
    monkeypatch.setattr(hdf5, "__file__", str(script))
    script.write_text("import os\nos.kill(os.getpid(), 11)\n")
    with raises_code("ckplus-h5.invalid", f"{path}: it is so damaged that reading it crashes"):
        load_dataset("ckplus", "last3", root=path)
    script.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(hdf5, "TIMEOUT_SECONDS", 0.2)
    with raises_code("ckplus-h5.invalid", "takes more than"):
        load_dataset("ckplus", "last3", root=path)


def test_oversized_piece_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        options = {"chunks": (1 << 29,), "maxshape": (None,), "compression": "gzip"}
        file.create_dataset("x", (4,), np.uint8, **options)
        assert hdf5.check_dataset(file, "x") == f"x has chunks of {1 << 29} bytes; the limit is {1 << 28}"


@case_settings(150)
@given(
    cells=st.lists(st.tuples(hostile_names(), st.one_of(hostile_names(), st.just(FACE))), max_size=5),
    header=hostile_names(),
)
def test_any_cells_are_read_or_refused(cells: list[tuple[str, str]], header: str) -> None:
    with temporary_folder() as root:
        lines = ["emotion,pixels" if len(header) % 2 else header, f"3,{FACE}"]
        lines += [f'"{label}","{pixels}"' for label, pixels in cells]
        (root / "ck.csv").write_bytes("\n".join(lines).encode("utf-8", "replace"))
        check(root / "ck.csv")


@case_settings(120)
@given(data=st.data())
def test_any_label_file_is_read_or_listed(data: st.DataObject) -> None:
    numbers = st.sampled_from(
        (b"3", b"  3.0000000e+00\n", b"1e400", b"nan", b"inf", b"-0", b"0x3", b"3" * 5000)
    )
    with temporary_folder() as root:
        parent = root / "Emotion" / "S005" / "001"
        parent.mkdir(parents=True)
        content = data.draw(st.one_of(numbers, st.binary(max_size=300), damaged_bytes(b"   3.0000000e+00\n")))
        (parent / "S005_001_00000011_emotion.txt").write_bytes(content)
        with assert_bounded():
            labels, anomalies = read_labels(DirectoryTree(root), root / "Emotion")
        assert (labels["S005/001"] is None) == bool(anomalies)
        for anomaly in anomalies:
            assert_is_clear(f"{anomaly.location} {anomaly.description}")


@pytest.mark.parametrize(
    "data",
    [
        b"emotion,pixels\n" + b"3," + b"7 " * 2_000_000,
        b"emotion,pixels\n" + b"3,7\n" * 150_000,
        b"emotion,pixels" + b",x" * 1_000_000 + b"\n3,7",
        b'emotion,pixels\n3,"' + b"7\n" * 1_000_000,
        b"emotion,pixels\n3,7\0\n",
        b"\xff\xfe" + "emotion,pixels\n".encode("utf-16-le"),
    ],
    ids=["cell", "rows", "columns", "quote", "nul", "utf-16"],
)
def test_oversized_or_malformed_table_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "ck.csv").write_bytes(data)
    assert check(tmp_path / "ck.csv") is None
