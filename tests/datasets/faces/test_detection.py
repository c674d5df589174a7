import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.faces import detection
from datasets.faces.detection import count_failures, detect_faces, load_cached_faces
from datasets.faces.face_boxes import Face
from datasets.spec import ImageRef, Sample, SampleTable
from tests.datasets.image_files import load_astronaut
from tests.error_codes import raises_code

BLANK = np.full((120, 160, 3), 128, dtype=np.uint8)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def face() -> NDArray[np.uint8]:
    """Return a small photograph, 160 by 120 px, with the nose at about (81, 53)."""
    photograph = load_astronaut()[10:250, 60:380]
    return np.asarray(cv2.resize(photograph, (160, 120), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., list[Sample]]:
    """Write a clip's images and return its samples; the first is the onset, the third of five the middle."""

    def write(
        name: str,
        images: list[NDArray[np.uint8] | bytes],
        *,
        subject: str = "1",
        apex: int | None = None,
        onset: int | None = 0,
        label: int = 0,
    ) -> list[Sample]:
        paths = []
        for frame, image in enumerate(images):
            path = tmp_path / "data" / f"{name}-{frame}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(image if isinstance(image, bytes) else cv2.imencode(".png", image)[1].tobytes())
            paths.append(str(path))
        return [
            Sample(
                id=f"{name}/{frame}",
                path=path,
                label=label,
                subject=subject,
                clip=name,
                frame_number=frame,
                role="apex" if frame == apex else "",
                onset_ref=None if onset is None else ImageRef(paths[onset]),
            )
            for frame, path in enumerate(paths)
        ]

    return write


def table(*clips: list[Sample]) -> SampleTable:
    samples = tuple(sample for clip in clips for sample in clip)
    return SampleTable(dataset="made", frame_policy="all", classes=("anger", "joy"), samples=samples)


def shift_right(image: NDArray[np.uint8], right: int) -> NDArray[np.uint8]:
    return np.roll(image, right, axis=1)


def get_left_edge(detected: Face) -> int:
    return detected.box[0]


def test_clip_has_one_box_from_its_onset_frame(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    samples = clip("a", [face, shift_right(face, 20), shift_right(face, 20)])
    (detected,) = detect_faces(table(samples))
    assert (detected.clip, detected.subject, detected.label) == ("a", "1", 0)
    assert (detected.cascade, detected.box_source, detected.image_size) == ("default", "onset", (160, 120))
    x, y, side = detected.box
    assert (x + side / 2, y + side / 2) == pytest.approx((81, 53), abs=8)
    # The onset frame need not be one of the samples.
    assert detect_faces(table(samples[1:]))[0].box == detected.box


def test_clip_without_onset_uses_its_first_sample(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    (detected,) = detect_faces(table(clip("a", [shift_right(face, 20), face], onset=None)))
    assert detected.box_source == "onset"
    assert get_left_edge(detected) - get_left_edge(
        detect_faces(table(clip("b", [face])))[0]
    ) == pytest.approx(20, abs=2)


def test_apex_middle_and_last_frame_replace_an_onset_without_face(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    base = get_left_edge(detect_faces(table(clip("base", [face])))[0])
    shifts = {0: 0, 1: -20, 2: 0, 3: 10, 4: 20}
    # Of five samples the middle one is number 2, the last number 4; the apex is number 3.
    expected = {(): 10, (3,): 0, (3, 2): 20}
    for blank, shift in expected.items():
        images = [BLANK if n == 0 or n in blank else shift_right(face, shifts[n]) for n in shifts]
        (detected,) = detect_faces(table(clip(f"a{len(blank)}", images, apex=3)))
        assert detected.box_source == "other frame"
        assert get_left_edge(detected) - base == pytest.approx(shift, abs=2)


def test_clip_without_face_uses_the_subjects_median_box(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    clips = [
        clip("a", [face]),
        clip("b", [BLANK, BLANK]),
        clip("c", [shift_right(face, 20)]),
        clip("d", [shift_right(face, 40)]),
        clip("e", [shift_right(face, -20)], subject="2"),
        clip("f", [BLANK], subject="3"),
    ]
    faces = detect_faces(table(*clips))
    assert [detected.clip for detected in faces] == ["a", "b", "c", "d", "e", "f"]
    assert [detected.box_source for detected in faces] == [
        "onset",
        "subject",
        "onset",
        "onset",
        "onset",
        "centre",
    ]
    assert get_left_edge(faces[1]) == pytest.approx(get_left_edge(faces[2]), abs=2)
    assert faces[5].box == (20, 0, 120)


def test_unreadable_images_are_skipped(clip: Callable[..., list[Sample]], face: NDArray[np.uint8]) -> None:
    first = clip("a", [b"", face])
    none = clip("b", [b"", b"junk"], subject="2")
    # The first four candidates cannot be read; the fifth gives the size.
    late = clip("c", [b"", BLANK, b"", b"", b""], subject="3", apex=3)
    gone = [replace(sample, onset_ref=ImageRef("/gone/x.png")) for sample in clip("d", [face])]
    faces = detect_faces(table(first, none, late, gone))
    assert [detected.box_source for detected in faces] == [
        "other frame",
        "unreadable",
        "centre",
        "other frame",
    ]
    assert [detected.image_size for detected in faces] == [(160, 120), (0, 0), (160, 120), (160, 120)]
    empty, gone_too = "the file is empty", "the file is missing"
    assert [detected.onset_fault for detected in faces] == [empty, empty, empty, gone_too]
    assert detect_faces(table(clip("e", [BLANK, face])))[0].onset_fault == ""
    rates = count_failures(faces, table(first, none, late, gone))
    assert rates.by_subject == {"1": (2, 2), "2": (1, 1), "3": (1, 1)}


def test_samples_without_clip_have_their_own_boxes(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    samples = [
        replace(sample, clip="", onset_ref=None) for sample in clip("a", [face, shift_right(face, 20)])
    ]
    faces = detect_faces(table(samples))
    assert [detected.clip for detected in faces] == ["a/0", "a/1"]
    assert get_left_edge(faces[1]) - get_left_edge(faces[0]) == pytest.approx(20, abs=2)


def test_cached_faces_equal_the_detected_ones(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    sample_table = table(clip("a", [face]), clip("b", [BLANK]))
    assert load_cached_faces(sample_table) is None
    faces = detect_faces(sample_table)
    os.remove(find_cache_file(".json"))
    assert load_cached_faces(sample_table) is None
    assert detect_faces(sample_table) == faces == load_cached_faces(sample_table)


def find_cache_file(suffix: str) -> Path:
    (file,) = Path(os.environ["HARNESS_CACHE"], "faces").glob(f"*{suffix}")
    return file


def test_second_search_is_cached_unless_a_file_changes(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_table, seen = table(clip("a", [face]), clip("b", [face])), []
    faces = detect_faces(sample_table, progress=lambda *at: seen.append(at))
    assert detect_faces(sample_table, progress=lambda *at: seen.append(at)) == faces
    assert seen == [(0, 2), (1, 2), (2, 2)]
    os.utime(sample_table.samples[1].path, ns=(1, 1))
    assert load_cached_faces(sample_table) is None
    # If only the labels or the order of clips change, no image is opened.
    relabelled = replace(
        sample_table, samples=tuple(replace(sample, label=1) for sample in sample_table.samples)
    )
    detect_faces(sample_table)
    cached = load_cached_faces(relabelled)
    assert cached is not None
    assert [detected.label for detected in cached] == [1, 1]


@pytest.mark.parametrize(
    "junk", [b"", b"{torn", b"[]", b"null", b'[{"box": 1}]', b"[1]", b'{"a": {}}', b"\xff"]
)
def test_corrupt_record_is_ignored(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8], junk: bytes
) -> None:
    sample_table = table(clip("a", [face]))
    faces = detect_faces(sample_table)
    find_cache_file(".json").write_bytes(junk)
    assert load_cached_faces(sample_table) is None
    assert detect_faces(sample_table) == faces


def test_interrupted_search_resumes(clip: Callable[..., list[Sample]], face: NDArray[np.uint8]) -> None:
    sample_table, seen = table(*(clip(name, [face]) for name in "abcd")), []

    def stop(count: int, total: int) -> None:
        if count == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_faces(sample_table, progress=stop)
    assert load_cached_faces(sample_table) is None
    faces = detect_faces(sample_table, progress=lambda *at: seen.append(at))
    assert seen == [(3, 4), (4, 4)]
    assert [detected.box_source for detected in faces] == ["onset"] * 4
    assert [path.suffix for path in find_cache_file(".json").parent.iterdir() if path.suffix != ".lock"] == [
        ".json"
    ]


@pytest.mark.parametrize("line", [{"box": 1}, {"source": "x"}])
def test_invalid_journal_is_ignored(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8], line: dict[str, int | str]
) -> None:
    sample_table, seen = table(clip("a", [face]), clip("b", [face])), []
    detect_faces(sample_table)
    path = find_cache_file(".json")
    path.unlink()
    path.with_name(f".{path.name}.part").touch()
    path.with_name(f".{path.name}.journal").write_text(json.dumps({**line, "end": 0}) + "\n")
    detect_faces(sample_table, progress=lambda *at: seen.append(at))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_unopenable_file_is_an_os_error_naming_it(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8]
) -> None:
    sample_table = table(clip("a", [face, face]), clip("b", [face]))
    os.remove(sample_table.samples[2].path)
    os.mkdir(sample_table.samples[2].path)
    with pytest.raises(IsADirectoryError, match=r"b-0\.png"):
        detect_faces(sample_table)


def test_missing_cascades_are_an_error_before_any_read(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cv2.data.haarcascades", "/nowhere")
    with raises_code("face-cascade.missing"):
        detect_faces(table(clip("a", [face])))


def test_number_of_cores_does_not_matter(
    clip: Callable[..., list[Sample]], face: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [clip(f"{n}", [shift_right(face, 4 * n - 20) if n % 3 else BLANK]) for n in range(9)]
    faces = []
    for cores in (1, 4):
        monkeypatch.setenv("HARNESS_CACHE", str(Path(os.environ["HARNESS_CACHE"]) / str(cores)))
        monkeypatch.setattr(detection, "count_cores", lambda cores=cores: cores)
        faces.append(detect_faces(table(*clips)))
    assert faces[0] == faces[1]


@pytest.mark.slow
def test_faces_of_synthetic_recordings_are_detected_on_the_onset(synthetic_set: Callable[..., Path]) -> None:
    clips = []
    for folder in sorted((synthetic_set("casme2-raw") / "CASME2-RAW").glob("*/*")):
        first = ImageRef(str(folder / "img1.jpg"))
        clips.append(
            [
                Sample(
                    id=folder.name,
                    path=first.path,
                    label=0,
                    subject="",
                    clip=str(folder),
                    frame_number=1,
                    onset_ref=first,
                )
            ]
        )
    faces = detect_faces(table(*clips))
    assert len(faces) == 7
    for detected in faces:
        assert (detected.box_source, detected.image_size) == ("onset", (640, 480))
        x, y, side = detected.box
        assert (x + side / 2, y + side / 2) == pytest.approx((320, 220), abs=60)
