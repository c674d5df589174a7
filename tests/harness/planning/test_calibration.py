"""Tests of measured choices by device."""

from __future__ import annotations

import pytest

from datasets.io.cache_files import get_cache_dir
from harness.planning.calibration import FILE_NAME, Calibration, load_calibration, save_calibration


def make_calibration(device: str = "cuda (A)") -> Calibration:
    return Calibration(device=device, date="2026-11-28", torch="2.14.1", cells_by_image_size={64: 4, 224: 2})


def test_calibration_is_loaded_for_its_device_only() -> None:
    save_calibration(make_calibration())
    save_calibration(make_calibration("cuda (B)"))
    assert load_calibration("cuda (A)") == make_calibration()
    assert load_calibration("cuda (B)") == make_calibration("cuda (B)")
    assert load_calibration("cuda (C)") is None


@pytest.mark.parametrize(("image_size", "cells"), [(32, 4), (64, 4), (65, 2), (224, 2), (256, 1)])
def test_number_of_cells_is_that_of_the_next_larger_size(image_size: int, cells: int) -> None:
    assert make_calibration().cells_per_gpu(image_size) == cells


@pytest.mark.parametrize("content", ["", "[]", '{"cuda (A)": 3}', '{"cuda (A)": {"date": "x"}}'])
def test_damaged_file_is_ignored_and_replaced(content: str) -> None:
    (get_cache_dir() / FILE_NAME).write_text(content)
    assert load_calibration("cuda (A)") is None
    save_calibration(make_calibration())
    assert load_calibration("cuda (A)") == make_calibration()
