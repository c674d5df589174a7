from pathlib import Path

import h5py
import numpy as np
import pytest

from datasets.io import hdf5
from datasets.io.hdf5 import check_dataset, probe_in_subprocess, read_all_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with 600 images, links to other files and a chunk above the limit."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["pixels"] = np.zeros(3)
    with h5py.File(tmp_path / "faces.h5", "w") as file:
        file.create_dataset("pixels", data=np.zeros((600, 4, 4), np.uint8), chunks=(100, 4, 4))
        file["folder/labels"] = np.arange(600)
        file["number"] = 7
        file["soft"] = h5py.SoftLink("/pixels")
        file["external"] = h5py.ExternalLink("other.h5", "pixels")
        file.create_dataset("storage", shape=(3,), dtype="u1", external=[("raw.bin", 0, 3)])
        layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
        layout[:] = h5py.VirtualSource("other.h5", "pixels", shape=(3,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("huge", shape=(1 << 29,), chunks=(1 << 29,), dtype="u1")
    return tmp_path / "faces.h5"


@pytest.mark.parametrize("name", ["pixels", "folder/labels", "number"])
def test_dataset_of_the_file_is_accepted(path: Path, name: str) -> None:
    with h5py.File(path) as file:
        assert check_dataset(file, name) == ""


@pytest.mark.parametrize("name", ["soft", "external", "storage", "virtual", "folder"])
def test_dataset_outside_the_file_is_rejected(path: Path, name: str) -> None:
    with h5py.File(path) as file:
        assert check_dataset(file, name) == f"{name} is not a data set stored in the file itself"


def test_missing_dataset_is_rejected(path: Path) -> None:
    with h5py.File(path) as file:
        assert check_dataset(file, "faces") == "the file has no data set faces"


def test_chunk_above_the_limit_is_rejected(path: Path) -> None:
    with h5py.File(path) as file:
        assert check_dataset(file, "huge") == f"huge has chunks of {1 << 29} bytes; the limit is {1 << 28}"


def test_rows_of_accepted_datasets_are_read(path: Path) -> None:
    read_all_rows(str(path), 10**9, ("pixels", "folder/labels", "number", "external", "faces"))


def test_probe_of_a_sound_file_gives_no_reason(path: Path) -> None:
    assert probe_in_subprocess(path, ("pixels",), rows=600) == ""


def test_probe_leaves_an_ordinary_error_to_the_reader(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no HDF5")
    assert probe_in_subprocess(tmp_path / "text.h5", ("pixels",), rows=1) == ""


def test_probe_that_exceeds_its_time_gives_a_reason(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "TIMEOUT_SECONDS", 0.001)
    assert probe_in_subprocess(path, ("pixels",), rows=1) == "it takes more than 0.001 seconds to read"
