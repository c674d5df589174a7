import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest

from datasets.casme2 import loader as casme2
from datasets.io.cache_files import compute_content_key
from datasets.preprocessing.image_array import CACHE_VERSION, preprocess_images
from datasets.spec import FlowSpec, ImageRef, Sample, SampleTable
from tests.datasets.conftest import Casme2Tree
from tests.datasets.image_files import load_astronaut, load_image
from tests.error_codes import raises_code

ROWS = [(1, "EP01", 1, 2, 4, "fear"), (2, "EP02", 7, 8, 9, "disgust")]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def table(tree: Casme2Tree) -> SampleTable:
    return casme2.load(tree.write(ROWS), "onset_offset")


def list_cache_files(tmp_path: Path) -> list[Path]:
    """Return the files in the cache except lock files."""
    return [path for path in (tmp_path / "cache" / "pixels").iterdir() if path.suffix != ".lock"]


class Progress(list[tuple[int, int]]):
    def __call__(self, finished: int, total: int) -> None:
        self.append((finished, total))


def test_row_i_is_the_image_of_sample_i(table: SampleTable) -> None:
    loaded = preprocess_images(table, size=6)
    assert loaded.table == table
    assert loaded.images.shape == (7, 3, 6, 6)
    assert loaded.images.dtype == np.uint8
    for sample, image in zip(loaded.table.samples, loaded.images, strict=True):
        # The tree's frames have one shade each; JPEG may be off by one.
        assert np.abs(image.astype(int) - (40 + sample.frame_number)).max() <= 1
    with pytest.raises(ValueError, match="read-only"):
        loaded.images[0, 0, 0, 0] = 1


def test_second_call_decodes_nothing_and_gives_the_same(table: SampleTable) -> None:
    first, second = Progress(), Progress()
    decoded, loaded = (
        preprocess_images(table, size=6, progress=first),
        preprocess_images(table, size=6, progress=second),
    )
    assert (first, second) == ([(0, 7), (7, 7)], [])
    assert np.array_equal(decoded.images, loaded.images)
    assert (decoded.fingerprint, decoded.table) == (loaded.fingerprint, loaded.table)


def test_new_size_or_modified_file_is_decoded_again(table: SampleTable) -> None:
    preprocess_images(table, size=6)
    other, touched = Progress(), Progress()
    assert preprocess_images(table, size=5, progress=other).images.shape == (7, 3, 5, 5)
    os.utime(table.samples[3].path, ns=(1, 1))
    preprocess_images(table, size=6, progress=touched)
    assert other == touched == [(0, 7), (7, 7)]


def test_two_sizes_have_separate_caches(table: SampleTable) -> None:
    seen = Progress()
    for size in (6, 5):
        preprocess_images(table, size=size)
    for size in (6, 5):
        preprocess_images(table, size=size, progress=seen)
    assert seen == []


def test_more_images_than_a_unit_of_work_keep_their_rows(
    tree: Casme2Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    table, seen = casme2.load(tree.write(ROWS), "onset_offset"), Progress()
    images = preprocess_images(table, size=2, progress=seen).images
    assert seen == [(0, 7), (3, 7), (4, 7), (7, 7)]
    assert np.abs(images[:, 0, 0, 0] - [41, 42, 43, 44, 47, 48, 49]).max() <= 1


def damage_two_images(table: SampleTable) -> None:
    Path(table.samples[1].path).write_bytes(b"")
    content = Path(table.samples[5].path).read_bytes()
    Path(table.samples[5].path).write_bytes(content[:-20])


def test_unreadable_images_are_listed_with_and_without_cache(table: SampleTable) -> None:
    damage_two_images(table)
    for loaded in (preprocess_images(table, size=6), preprocess_images(table, size=6)):
        assert [sample.id for sample in loaded.table.samples] == [
            sample.id for row, sample in enumerate(table.samples) if row not in (1, 5)
        ]
        assert [int(image.mean().round()) for image in loaded.images] == [41, 43, 44, 47, 49]
        listed = {
            anomaly.location: anomaly.description
            for anomaly in loaded.table.anomalies[len(table.anomalies) :]
        }
        assert listed["sub01/EP01/2"] == "the file is empty"
        assert "cut off" in listed["sub02/EP02/8"]
        assert {anomaly.code for anomaly in loaded.table.anomalies} == {"unreadable image"}


def test_table_without_readable_image_is_an_error(table: SampleTable) -> None:
    for sample in table.samples:
        Path(sample.path).write_bytes(b"")
    with raises_code("images.unreadable", 7, "casme2"):
        preprocess_images(table, size=6)


def test_fingerprint_depends_on_neither_root_nor_order_nor_size(tree: Casme2Tree, table: SampleTable) -> None:
    expected = preprocess_images(table, size=6).fingerprint
    turned = replace(table, samples=table.samples[::-1])
    assert preprocess_images(turned, size=5).fingerprint == expected
    moved = tree.root.with_name("elsewhere")
    shutil.copytree(tree.root, moved)
    assert preprocess_images(casme2.load(moved, "onset_offset"), size=6).fingerprint == expected


@pytest.mark.parametrize(
    "change", [{"id": "x"}, {"label": 3}, {"subject": "x"}, {"clip": "x"}, {"frame_number": 9}]
)
def test_fingerprint_depends_on_every_fact_of_a_sample(table: SampleTable, change: dict[str, Any]) -> None:
    changed = replace(table, samples=(replace(table.samples[0], **change), *table.samples[1:]))
    assert preprocess_images(changed, size=6).fingerprint != preprocess_images(table, size=6).fingerprint


def test_fingerprint_depends_on_the_classes_and_on_the_files(table: SampleTable) -> None:
    before = preprocess_images(table, size=6).fingerprint
    assert preprocess_images(replace(table, classes=table.classes[::-1]), size=6).fingerprint != before
    with open(table.samples[0].path, "ab") as file:
        file.write(b"\0")
    assert preprocess_images(table, size=6).fingerprint != before


def test_cache_file_of_wrong_length_is_rebuilt(table: SampleTable, tmp_path: Path) -> None:
    first = preprocess_images(table, size=6)
    expected = np.array(first.images)
    (file,) = (tmp_path / "cache" / "pixels").glob("*.rgb")
    file.write_bytes(b"half")
    assert np.array_equal(preprocess_images(table, size=6).images, expected)


def test_full_disk_is_an_os_error_naming_the_file(table: SampleTable, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))
    try:
        with pytest.raises(OSError, match=r"\.rgb"):
            preprocess_images(table, size=6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list_cache_files(tmp_path) == []
    assert preprocess_images(table, size=6).images.shape == (7, 3, 6, 6)


def test_unopenable_image_is_an_os_error_naming_it(table: SampleTable, tmp_path: Path) -> None:
    Path(table.samples[2].path).unlink()
    Path(table.samples[2].path).mkdir()
    with pytest.raises(OSError, match=r"reg_img3\.jpg"):
        preprocess_images(table, size=6)
    assert list_cache_files(tmp_path) == []


def test_interrupted_run_resumes_at_its_unit(
    table: SampleTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 2)
    expected = np.array(preprocess_images(table, size=6).images)
    shutil.rmtree(tmp_path / "cache")

    def stop(finished: int, total: int) -> None:
        if finished >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preprocess_images(table, size=6, progress=stop)
    seen = Progress()
    assert np.array_equal(preprocess_images(table, size=6, progress=seen).images, expected)
    assert seen == [(4, 7), (6, 7), (7, 7)]
    assert sorted(path.suffix for path in list_cache_files(tmp_path)) == [".json", ".rgb"]


@pytest.mark.parametrize(
    "junk",
    [
        *(b"", b"{torn", b"[]", b"null", b"{}", b"\xff"),
        b'{"digests": 1, "onsets": [], "faults": []}',
        b'{"digests": ["a"], "onsets": [], "faults": [[7, "x", "y"]]}',
    ],
)
def test_corrupt_record_is_ignored(table: SampleTable, tmp_path: Path, junk: bytes) -> None:
    expected = np.array(preprocess_images(table, size=6).images)
    (record,) = (tmp_path / "cache" / "pixels").glob("*.json")
    record.write_bytes(junk)
    seen = Progress()
    assert np.array_equal(preprocess_images(table, size=6, progress=seen).images, expected)
    assert seen == [(0, 7), (7, 7)]


@pytest.mark.parametrize("change", [{"end": 107}, {"digests": ["a"] * 8}, {"onsets": ["a"]}, {"faults": 3}])
def test_journal_of_another_job_is_ignored(
    table: SampleTable, tmp_path: Path, change: dict[str, int | list[str]]
) -> None:
    expected = np.array(preprocess_images(table, size=6).images)
    (record,) = (tmp_path / "cache" / "pixels").glob("*.json")
    path = record.with_suffix(".rgb")
    entry = {"digests": ["a"], "onsets": [], "faults": [], "end": 108, **change}
    path.with_name(f".{path.name}.journal").write_text(json.dumps(entry) + "\n")
    path.rename(path.with_name(f".{path.name}.part"))
    seen = Progress()
    assert np.array_equal(preprocess_images(table, size=6, progress=seen).images, expected)
    assert seen == [(0, 7), (7, 7)]


def test_digests_match_the_rows(table: SampleTable) -> None:
    damage_two_images(table)
    loaded = preprocess_images(table, size=6)
    assert len(loaded.digests) == len(loaded.table.samples) == len(set(loaded.digests)) == 5
    assert preprocess_images(table, size=5).digests == loaded.digests


def test_images_in_containers_become_rows(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, size=(70, 48, 48), dtype=np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data_pixel"] = grey
    path = str(tmp_path / "a.h5")
    samples = tuple(
        Sample(id=str(n), path=path, frame_index=n, label=0, subject="", clip="", frame_number=n)
        for n in range(71)
    )
    loaded = preprocess_images(
        SampleTable(dataset="made", frame_policy="all", classes=("x",), samples=samples), size=48
    )
    assert np.array_equal(loaded.images, np.repeat(grey[:, None], 3, axis=1))
    assert [(anomaly.location, anomaly.description) for anomaly in loaded.table.anomalies] == [
        ("70", "data_pixel has 70 images; image 71 was requested")
    ]


@pytest.fixture
def faces(tmp_path: Path) -> SampleTable:
    """Write two clips of a photograph; the second shows no face."""
    photograph = load_astronaut()
    samples = []
    for clip, frame in (("a", 1), ("a", 2), ("b", 1), ("b", 2)):
        path = tmp_path / f"{clip}{frame}.png"
        cv2.imwrite(str(path), photograph[:240] // frame if clip == "a" else photograph[300:] // frame)
        onset = ImageRef(str(tmp_path / f"{clip}1.png"))
        samples.append(
            Sample(
                id=f"{clip}/{frame}",
                path=str(path),
                label=0,
                subject=clip,
                clip=clip,
                frame_number=frame,
                onset_ref=onset,
            )
        )
    return SampleTable(dataset="made", frame_policy="all", classes=("x",), samples=tuple(samples))


def test_aligned_images_are_cropped_faces_with_listed_fallbacks(faces: SampleTable) -> None:
    loaded = preprocess_images(faces, size=32, alignment="haar")
    assert [(face.clip, face.box_source) for face in loaded.faces] == [("a", "onset"), ("b", "centre")]
    left, top, side = loaded.faces[0].box
    for row, frame in ((0, 1), (1, 2)):
        image = load_image(faces.samples[row].path)[top : top + side, left : left + side]
        expected = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)[..., ::-1]
        assert np.array_equal(loaded.images[row], expected.transpose(2, 0, 1)), frame
    assert [(anomaly.code, anomaly.location) for anomaly in loaded.table.anomalies] == [
        ("no face found", "b")
    ]
    assert preprocess_images(faces, size=32).faces == ()


def test_parts_of_a_composite_that_are_aligned_get_no_face_box(faces: SampleTable) -> None:
    samples = tuple(replace(sample, part=sample.clip) for sample in faces.samples)
    table = replace(faces, samples=samples, aligned_parts=("b",))
    loaded = preprocess_images(table, size=32, alignment="haar")
    assert [face.clip for face in loaded.faces] == ["a"]
    plain = preprocess_images(faces, size=32)
    boxed = preprocess_images(faces, size=32, alignment="haar")
    assert np.array_equal(loaded.images[:2], boxed.images[:2])
    assert np.array_equal(loaded.images[2:], plain.images[2:])


def test_alignment_and_representation_have_separate_caches(faces: SampleTable) -> None:
    plain, aligned = (preprocess_images(faces, size=32, alignment=name) for name in ("none", "haar"))
    flows = preprocess_images(faces, size=32, alignment="haar", representation="flow")
    differences = preprocess_images(faces, size=32, alignment="haar", representation="apex_minus_onset")
    images = [result.images for result in (plain, aligned, flows, differences)]
    assert not any(np.array_equal(a, b) for n, a in enumerate(images) for b in images[:n])
    assert plain.fingerprint != aligned.fingerprint
    assert preprocess_images(faces, size=16, alignment="haar").fingerprint == aligned.fingerprint
    assert flows.fingerprint == differences.fingerprint


def test_each_setting_of_a_flow_has_its_own_cache_and_the_default_keeps_its_file(
    faces: SampleTable, tmp_path: Path
) -> None:
    before = preprocess_images(faces, size=8, representation="flow")
    file = next(path for path in list_cache_files(tmp_path) if path.suffix == ".rgb")
    payload = [CACHE_VERSION, 8, "flow", []]
    assert file.stem == compute_content_key(payload, faces.samples, include_onsets=True)
    flows = (
        FlowSpec(size=32, scale="constant"),
        FlowSpec(size=32, scale="constant", strain="forward"),
        FlowSpec(size=32, scale="image"),
        FlowSpec(size=64, scale="image"),
        FlowSpec(size=16, scale="image", method="tvl1"),
    )
    for flow in flows:
        first, second = Progress(), Progress()
        built = preprocess_images(faces, size=8, representation="flow", flow=flow, progress=first)
        loaded = preprocess_images(faces, size=8, representation="flow", flow=flow, progress=second)
        assert (first[-1], second) == ((len(faces.samples),) * 2, [])
        assert loaded.images.dtype == np.float16
        assert np.array_equal(built.images, loaded.images)
        assert loaded.fingerprint == before.fingerprint, "the settings are a part of the run's data set"
    assert len([path for path in list_cache_files(tmp_path) if path.suffix == ".rgb"]) == 1 + len(flows)


def test_onset_changes_cache_and_fingerprint_only_if_used(faces: SampleTable) -> None:
    table = replace(faces, samples=faces.samples[1::2])
    before = [preprocess_images(table, size=8, representation=name).fingerprint for name in ("frame", "flow")]
    onset_ref = table.samples[0].onset_ref
    assert onset_ref is not None
    cv2.imwrite(onset_ref.path, np.zeros((240, 512, 3), dtype=np.uint8))
    after = [preprocess_images(table, size=8, representation=name).fingerprint for name in ("frame", "flow")]
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_samples_without_an_onset_are_left_out_where_one_is_needed(faces: SampleTable) -> None:
    first = replace(faces.samples[0], onset_ref=None)
    last = replace(faces.samples[3], onset_ref=ImageRef("/gone/x.png"))
    table = replace(faces, samples=(first, *faces.samples[1:3], last))
    loaded = preprocess_images(table, size=8, representation="apex_minus_onset")
    assert [sample.id for sample in loaded.table.samples] == ["a/2", "b/1"]
    assert [(anomaly.code, anomaly.location) for anomaly in loaded.table.anomalies] == [
        ("no onset", "a"),
        ("unreadable onset", "b/2"),
    ]
    assert len(preprocess_images(table, size=8).images) == 4


def test_representation_for_which_no_sample_has_an_onset_is_an_error(table: SampleTable) -> None:
    samples = tuple(replace(sample, onset_ref=None) for sample in table.samples)
    with raises_code("representation.no-onset", "'flow'", "7 samples of casme2"):
        preprocess_images(replace(table, samples=samples), size=6, representation="flow")


def test_image_under_two_labels_is_used_and_listed(tmp_path: Path) -> None:
    for name, shade in (("a", 10), ("b", 20), ("c", 10), ("d", 20)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((6, 6, 3), shade, dtype=np.uint8))
    samples = tuple(
        Sample(id=name, path=str(tmp_path / f"{name}.png"), label=label, subject="", clip="", frame_number=0)
        for name, label in (("a", 0), ("b", 1), ("c", 1), ("d", 1))
    )
    table = SampleTable(dataset="made", frame_policy="all", classes=("fear", "joy"), samples=samples)
    loaded = preprocess_images(table, size=4)
    (fault,) = loaded.table.anomalies
    assert (fault.code, fault.location) == ("one image with two labels", "a, c")
    assert fault.description == "the 2 files have the same bytes and the labels fear, joy"
    assert fault.action.startswith("all were kept")
    assert loaded.table.samples == samples
    cached = preprocess_images(table, size=4)
    assert (cached.table, cached.fingerprint) == (loaded.table, loaded.fingerprint)


def test_file_without_read_permission_is_an_error_with_a_remedy(
    table: SampleTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("datasets.io.image_reader._decode_file", refuse)  # root may read every file
    with pytest.raises(
        ValueError, match=r"every image must be readable; .* is not \(Permission denied\): allow"
    ):
        preprocess_images(table, size=8)
