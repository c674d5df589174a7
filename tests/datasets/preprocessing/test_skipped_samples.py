from datasets.faces.face_boxes import Face
from datasets.preprocessing.skipped_samples import (
    MAX_SIMILAR_ANOMALIES,
    make_face_anomalies,
    make_onset_anomalies,
    make_read_anomalies,
)
from datasets.spec import Sample

SOURCES = ("onset", "other frame", "subject", "centre", "unreadable")


def face(clip: str, source: str, fault: str = "") -> Face:
    return Face(
        clip=clip,
        subject="1",
        label=0,
        cascade="",
        box=(0, 0, 9),
        image_size=(9, 9),
        box_source=source,
        onset_fault=fault,
    )


def sample(name: str, clip: str = "") -> Sample:
    return Sample(id=name, path="", label=0, subject="", clip=clip, frame_number=1)


def test_fallbacks_are_anomalies_naming_the_box_source() -> None:
    anomalies = make_face_anomalies(face(f"clip {source}", source) for source in SOURCES)
    assert [(anomaly.code, anomaly.location) for anomaly in anomalies] == [
        ("no face found", "clip other frame"),
        ("no face found", "clip subject"),
        ("no face found", "clip centre"),
    ]
    assert all("default, alt2, alt, alt_tree" in anomaly.description for anomaly in anomalies)
    assert [anomaly.description.endswith("its onset frame") for anomaly in anomalies] == [True, False, False]
    assert [anomaly.action for anomaly in anomalies] == [
        "the box found on another of its frames was taken",
        "the median box of the subject's other clips was taken",
        "the largest centred square was taken",
    ]


def test_unreadable_onset_is_not_listed_as_searched() -> None:
    anomalies = make_face_anomalies(face("c", source, "the file is empty") for source in SOURCES)
    assert [anomaly.description.split(", and none of the cascades")[0] for anomaly in anomalies] == [
        "its onset frame cannot be read (the file is empty)"
    ] * 3
    assert [
        anomaly.description.endswith("a face on its apex, middle or last frame") for anomaly in anomalies
    ] == [
        False,
        True,
        True,
    ]


def test_many_of_one_kind_become_one_with_their_number_and_the_others_stay() -> None:
    few = make_face_anomalies([face(str(n), "centre") for n in range(MAX_SIMILAR_ANOMALIES)])
    assert [anomaly.location for anomaly in few] == [str(n) for n in range(MAX_SIMILAR_ANOMALIES)]
    many = [face(str(n), "centre") for n in range(MAX_SIMILAR_ANOMALIES + 1)]
    anomalies = make_face_anomalies([*many[:5], face("x", "subject"), *many[5:]])
    assert [anomaly.location for anomaly in anomalies] == [
        f"0, 1, 2 and {MAX_SIMILAR_ANOMALIES - 2} more",
        "x",
    ]
    assert anomalies[0].description.startswith(
        f"{MAX_SIMILAR_ANOMALIES + 1} times, first: none of the cascades"
    )
    assert anomalies[0].action == "each time: the largest centred square was taken"


def test_faults_that_differ_in_numbers_are_one_kind() -> None:
    faults = [
        (sample(f"s{n}"), "unreadable image", f"cut off after {n} bytes")
        for n in range(MAX_SIMILAR_ANOMALIES + 1)
    ]
    other = (sample("t"), "unreadable onset", "cut off after 3 bytes")
    anomalies = make_read_anomalies([*faults, other])
    assert [anomaly.code for anomaly in anomalies] == ["unreadable image", "unreadable onset"]
    assert anomalies[0].description == f"{MAX_SIMILAR_ANOMALIES + 1} times, first: cut off after 0 bytes"
    assert (anomalies[1].location, anomalies[1].action) == ("t", "the frame was left out")


def test_frames_without_onset_are_listed_by_clip() -> None:
    anomalies = make_onset_anomalies([sample("i", "a"), sample("j", "b"), sample("k", "a"), sample("l")])
    assert [(anomaly.code, anomaly.location, anomaly.action) for anomaly in anomalies] == [
        ("no onset", "a", "its 2 frames were left out"),
        ("no onset", "b", "the frame was left out"),
        ("no onset", "l", "the frame was left out"),
    ]
