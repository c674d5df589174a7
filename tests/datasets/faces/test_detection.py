import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.faces import detection
from datasets.faces.detection import count_failures, detect_faces, load_cached_faces
from datasets.spec import ImageRef, Sample, SampleTable
from tests.error_codes import raises_code

BLANK = np.full((120, 160, 3), 128, dtype=np.uint8)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def face():
    """Return a small photograph, 160 by 120 px, with the nose at about (81, 53)."""
    from skimage.data import astronaut

    photograph = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)[10:250, 60:380]
    return cv2.resize(photograph, (160, 120), interpolation=cv2.INTER_AREA)


@pytest.fixture
def clip(tmp_path):
    """Write a clip's images and return its samples; the first is the onset, the third of five the middle."""

    def write(name, images, *, subject="1", apex=None, onset=0, label=0):
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


def table(*clips):
    samples = tuple(sample for clip in clips for sample in clip)
    return SampleTable(dataset="made", frame_policy="all", classes=("anger", "joy"), samples=samples)


def moved(image, right):
    return np.roll(image, right, axis=1)


def left(found):
    return found.box[0]


def test_one_box_a_clip_from_its_onset_frame(clip, face):
    samples = clip("a", [face, moved(face, 20), moved(face, 20)])
    (found,) = detect_faces(table(samples))
    assert (found.clip, found.subject, found.label) == ("a", "1", 0)
    assert (found.cascade, found.box_source, found.image_size) == ("default", "onset", (160, 120))
    x, y, side = found.box
    assert (x + side / 2, y + side / 2) == pytest.approx((81, 53), abs=8)
    # The onset frame need not be one of the samples.
    assert detect_faces(table(samples[1:]))[0].box == found.box


def test_a_clip_without_an_onset_takes_its_first_sample(clip, face):
    (found,) = detect_faces(table(clip("a", [moved(face, 20), face], onset=None)))
    assert found.box_source == "onset"
    assert left(found) - left(detect_faces(table(clip("b", [face])))[0]) == pytest.approx(20, abs=2)


def test_where_the_onset_has_no_face_apex_middle_and_last_are_tried_in_this_order(clip, face):
    base = left(detect_faces(table(clip("base", [face])))[0])
    shifts = {0: None, 1: -20, 2: 0, 3: 10, 4: 20}
    # Of five samples the middle one is number 2, the last number 4; the apex is number 3.
    expected = {(): 10, (3,): 0, (3, 2): 20}
    for lost, shift in expected.items():
        images = [BLANK if n == 0 or n in lost else moved(face, shifts[n]) for n in shifts]
        (found,) = detect_faces(table(clip(f"a{len(lost)}", images, apex=3)))
        assert found.box_source == "other frame"
        assert left(found) - base == pytest.approx(shift, abs=2)


def test_a_clip_without_a_face_takes_the_median_of_its_subjects_others(clip, face):
    clips = [
        clip("a", [face]),
        clip("b", [BLANK, BLANK]),
        clip("c", [moved(face, 20)]),
        clip("d", [moved(face, 40)]),
        clip("e", [moved(face, -20)], subject="2"),
        clip("f", [BLANK], subject="3"),
    ]
    found = detect_faces(table(*clips))
    assert [one.clip for one in found] == ["a", "b", "c", "d", "e", "f"]
    assert [one.box_source for one in found] == ["onset", "subject", "onset", "onset", "onset", "centre"]
    assert left(found[1]) == pytest.approx(left(found[2]), abs=2)
    assert found[5].box == (20, 0, 120)


def test_unreadable_pictures_are_passed_over(clip, face):
    first = clip("a", [b"", face])
    none = clip("b", [b"", b"junk"], subject="2")
    # The first four candidates cannot be read; the fifth gives the size.
    late = clip("c", [b"", BLANK, b"", b"", b""], subject="3", apex=3)
    gone = [replace(sample, onset_ref=ImageRef("/gone/x.png")) for sample in clip("d", [face])]
    found = detect_faces(table(first, none, late, gone))
    assert [one.box_source for one in found] == ["other frame", "unreadable", "centre", "other frame"]
    assert [one.image_size for one in found] == [(160, 120), (0, 0), (160, 120), (160, 120)]
    empty, gone_too = "the file is empty", "the file is missing"
    assert [one.onset_fault for one in found] == [empty, empty, empty, gone_too]
    assert detect_faces(table(clip("e", [BLANK, face])))[0].onset_fault == ""
    rates = count_failures(found, table(first, none, late, gone))
    assert rates.by_subject == {"1": (2, 2), "2": (1, 1), "3": (1, 1)}


def test_samples_without_a_clip_have_a_box_each(clip, face):
    samples = [replace(sample, clip="", onset_ref=None) for sample in clip("a", [face, moved(face, 20)])]
    found = detect_faces(table(samples))
    assert [one.clip for one in found] == ["a/0", "a/1"]
    assert left(found[1]) - left(found[0]) == pytest.approx(20, abs=2)


def test_known_faces_are_those_found_and_none_before(clip, face):
    made = table(clip("a", [face]), clip("b", [BLANK]))
    assert load_cached_faces(made) is None
    found = detect_faces(made)
    os.remove(cached(".json"))
    assert load_cached_faces(made) is None
    assert detect_faces(made) == found == load_cached_faces(made)


def cached(suffix):
    (file,) = Path(os.environ["HARNESS_CACHE"], "faces").glob(f"*{suffix}")
    return file


def test_a_second_search_detects_nothing_and_a_touched_file_is_searched_anew(clip, face, monkeypatch):
    made, seen = table(clip("a", [face]), clip("b", [face])), []
    found = detect_faces(made, progress=lambda *at: seen.append(at))
    assert detect_faces(made, progress=lambda *at: seen.append(at)) == found
    assert seen == [(0, 2), (1, 2), (2, 2)]
    os.utime(made.samples[1].path, ns=(1, 1))
    assert load_cached_faces(made) is None
    # If only the labels or the order of clips change, no image is opened.
    relabelled = replace(made, samples=tuple(replace(sample, label=1) for sample in made.samples))
    detect_faces(made)
    assert [one.label for one in load_cached_faces(relabelled)] == [1, 1]


@pytest.mark.parametrize(
    "junk", [b"", b"{torn", b"[]", b"null", b'[{"box": 1}]', b"[1]", b'{"a": {}}', b"\xff"]
)
def test_a_corrupt_record_is_not_there(clip, face, junk):
    made = table(clip("a", [face]))
    found = detect_faces(made)
    cached(".json").write_bytes(junk)
    assert load_cached_faces(made) is None
    assert detect_faces(made) == found


def test_an_interrupted_search_goes_on_where_it_was(clip, face):
    made, seen = table(*(clip(name, [face]) for name in "abcd")), []

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_faces(made, progress=stop)
    assert load_cached_faces(made) is None
    found = detect_faces(made, progress=lambda *at: seen.append(at))
    assert seen == [(3, 4), (4, 4)]
    assert [one.box_source for one in found] == ["onset"] * 4
    assert [path.suffix for path in cached(".json").parent.iterdir() if path.suffix != ".lock"] == [".json"]


@pytest.mark.parametrize("line", [{"box": 1}, {"source": "x"}])
def test_a_journal_that_says_something_else_is_not_there(clip, face, line):
    made, seen = table(clip("a", [face]), clip("b", [face])), []
    detect_faces(made)
    place = cached(".json")
    place.unlink()
    place.with_name(f".{place.name}.part").touch()
    place.with_name(f".{place.name}.journal").write_text(json.dumps({**line, "end": 0}) + "\n")
    detect_faces(made, progress=lambda *at: seen.append(at))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_a_file_that_cannot_be_read_at_all_is_an_os_error_naming_it(clip, face):
    made = table(clip("a", [face, face]), clip("b", [face]))
    os.remove(made.samples[2].path)
    os.mkdir(made.samples[2].path)
    with pytest.raises(IsADirectoryError, match=r"b-0\.png"):
        detect_faces(made)


def test_cascades_that_are_not_installed_are_told_before_anything_is_read(clip, face, monkeypatch):
    monkeypatch.setattr(cv2.data, "haarcascades", "/nowhere")
    with raises_code("face-cascade.missing"):
        detect_faces(table(clip("a", [face])))


def test_the_number_of_cores_does_not_matter(clip, face, monkeypatch):
    clips = [clip(f"{n}", [moved(face, 4 * n - 20) if n % 3 else BLANK]) for n in range(9)]
    found = []
    for cores in (1, 4):
        monkeypatch.setenv("HARNESS_CACHE", str(Path(os.environ["HARNESS_CACHE"]) / str(cores)))
        monkeypatch.setattr(detection, "count_cores", lambda cores=cores: cores)
        found.append(detect_faces(table(*clips)))
    assert found[0] == found[1]


def test_every_drawn_recording_has_its_face_found_on_the_onset_frame(synthetic_set):
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
    found = detect_faces(table(*clips))
    assert len(found) == 7
    for one in found:
        assert (one.box_source, one.image_size) == ("onset", (640, 480))
        x, y, side = one.box
        assert (x + side / 2, y + side / 2) == pytest.approx((320, 220), abs=60)
