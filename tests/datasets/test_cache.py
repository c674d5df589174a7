import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from datasets import casme2
from datasets.cache import cache_dir, pixels

ROWS = [(1, "EP01", 1, 2, 4, "fear"), (2, "EP02", 7, 8, 9, "disgust")]


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def table(tree):
    return casme2.load(tree.write(ROWS), "onset_offset")


class Progress(list):
    def __call__(self, done, total):
        self.append((done, total))


def test_the_cache_is_where_the_variable_says_or_the_users_own(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.setenv("HARNESS_CACHE", "")
    assert cache_dir() == Path(platformdirs.user_cache_dir("harness"))


def test_row_i_is_the_image_of_sample_i(table):
    found = pixels(table, size=6)
    assert found.table == table
    assert found.images.shape == (7, 3, 6, 6)
    assert found.images.dtype == np.uint8
    for sample, image in zip(found.table.samples, found.images, strict=True):
        # The tree's frames have one shade each; JPEG may be off by one.
        assert np.abs(image.astype(int) - (40 + sample.frame)).max() <= 1
    with pytest.raises(ValueError, match="read-only"):
        found.images[0, 0, 0, 0] = 1


def test_a_second_call_decodes_nothing_and_gives_the_same(table):
    first, second = Progress(), Progress()
    made, loaded = pixels(table, size=6, progress=first), pixels(table, size=6, progress=second)
    assert (first, second) == ([(7, 7)], [])
    assert np.array_equal(made.images, loaded.images)
    assert (made.fingerprint, made.table) == (loaded.fingerprint, loaded.table)


def test_another_size_or_a_touched_file_is_decoded_anew(table):
    pixels(table, size=6)
    other, touched = Progress(), Progress()
    assert pixels(table, size=5, progress=other).images.shape == (7, 3, 5, 5)
    os.utime(table.samples[3].path, ns=(1, 1))
    pixels(table, size=6, progress=touched)
    assert other == touched == [(7, 7)]


def test_two_sizes_stand_side_by_side(table):
    seen = Progress()
    for size in (6, 5):
        pixels(table, size=size)
    for size in (6, 5):
        pixels(table, size=size, progress=seen)
    assert seen == []


def test_more_images_than_a_batch_keep_their_rows(tree, monkeypatch):
    monkeypatch.setattr("datasets.cache._BATCH", 3)
    table, seen = casme2.load(tree.write(ROWS), "onset_offset"), Progress()
    images = pixels(table, size=2, progress=seen).images
    assert seen == [(3, 7), (6, 7), (7, 7)]
    assert np.abs(images[:, 0, 0, 0] - [41, 42, 43, 44, 47, 48, 49]).max() <= 1


def spoil(table):
    Path(table.samples[1].path).write_bytes(b"")
    whole = Path(table.samples[5].path).read_bytes()
    Path(table.samples[5].path).write_bytes(whole[:-20])


def test_unreadable_images_are_left_out_and_listed_also_from_the_cache(table):
    spoil(table)
    for found in (pixels(table, size=6), pixels(table, size=6)):
        assert [sample.id for sample in found.table.samples] == [
            sample.id for row, sample in enumerate(table.samples) if row not in (1, 5)
        ]
        assert [int(image.mean().round()) for image in found.images] == [41, 43, 44, 47, 49]
        listed = {anomaly.where: anomaly.what for anomaly in found.table.anomalies[len(table.anomalies) :]}
        assert listed["sub01/EP01/2"] == "the file is empty"
        assert "cut off" in listed["sub02/EP02/8"]
        assert {anomaly.code for anomaly in found.table.anomalies} == {"unreadable image"}


def test_a_table_of_which_nothing_can_be_read_is_an_error(table):
    for sample in table.samples:
        Path(sample.path).write_bytes(b"")
    with pytest.raises(ValueError, match="none of the 7 images of casme2 can be read"):
        pixels(table, size=6)


def test_the_fingerprint_depends_on_neither_root_nor_order_nor_size(tree, table):
    expected = pixels(table, size=6).fingerprint
    turned = replace(table, samples=table.samples[::-1])
    assert pixels(turned, size=5).fingerprint == expected
    moved = tree.root.with_name("elsewhere")
    shutil.copytree(tree.root, moved)
    assert pixels(casme2.load(moved, "onset_offset"), size=6).fingerprint == expected


@pytest.mark.parametrize("change", [{"id": "x"}, {"label": 3}, {"subject": "x"}, {"clip": "x"}, {"frame": 9}])
def test_the_fingerprint_depends_on_every_fact_of_a_sample(table, change):
    changed = replace(table, samples=(replace(table.samples[0], **change), *table.samples[1:]))
    assert pixels(changed, size=6).fingerprint != pixels(table, size=6).fingerprint


def test_the_fingerprint_depends_on_the_classes_and_on_the_files(table):
    before = pixels(table, size=6).fingerprint
    assert pixels(replace(table, classes=table.classes[::-1]), size=6).fingerprint != before
    with open(table.samples[0].path, "ab") as file:
        file.write(b"\0")
    assert pixels(table, size=6).fingerprint != before


def test_a_cache_file_of_the_wrong_length_is_made_anew(table, tmp_path):
    made = pixels(table, size=6)
    expected = np.array(made.images)
    (file,) = (tmp_path / "cache" / "pixels").glob("*.rgb")
    file.write_bytes(b"half")
    assert np.array_equal(pixels(table, size=6).images, expected)


def test_a_full_disk_is_an_os_error_naming_the_file_and_leaves_nothing(table, tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))
    try:
        with pytest.raises(OSError, match=r"\.rgb"):
            pixels(table, size=6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "cache" / "pixels").iterdir()) == []
    assert pixels(table, size=6).images.shape == (7, 3, 6, 6)


def test_an_image_that_cannot_be_read_at_all_is_an_os_error_naming_it_and_leaves_nothing(table, tmp_path):
    Path(table.samples[2].path).unlink()
    Path(table.samples[2].path).mkdir()
    with pytest.raises(OSError, match=r"reg_img3\.jpg"):
        pixels(table, size=6)
    assert list((tmp_path / "cache" / "pixels").iterdir()) == []
