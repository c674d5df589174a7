"""Tests of data set descriptions as JSON and as text, with unknown values marked as unknown."""

import json
from dataclasses import replace

from datasets.faces.face_boxes import Face
from datasets.spec import Anomaly, DatasetSpec, FlowSpec, Sample, SampleTable
from harness.data.description import build_description, describe_flow, render_description

FAULT = Anomaly(code="missing file", location="s1", description="not there", action="left out")


def table(**changes: object) -> SampleTable:
    """Return a table of two subjects: anger with a two-frame clip and a lone frame, joy with two clips."""
    rows = [(0, "s1", "s1/a"), (0, "s1", "s1/a"), (0, "", ""), (1, "s1", "s1/b"), (1, "s2", "s2/a")]
    samples = tuple(
        Sample(id=str(n), path="", label=label, subject=subject, clip=clip, frame_number=n)
        for n, (label, subject, clip) in enumerate(rows)
    )
    sample_table = SampleTable(dataset="made", frame_policy="all", classes=("anger", "joy"), samples=samples)
    return replace(sample_table, **changes)  # type: ignore[arg-type]


def face(clip: str, label: int, subject: str, source: str) -> Face:
    return Face(
        clip=clip,
        subject=subject,
        label=label,
        cascade="",
        box=(0, 0, 4),
        image_size=(4, 4),
        box_source=source,
    )


FACES = (
    face("s1/a", 0, "s1", "onset"),
    face("2", 0, "", "centre"),
    face("s1/b", 1, "s1", "subject"),
    face("s2/a", 1, "s2", "onset"),
)


def test_description_counts_clips_and_subjects() -> None:
    description = build_description(table(notes=("n",), anomalies=(FAULT,), layout="raw"), None)
    assert json.loads(json.dumps(description)) == description
    assert (description["samples"], description["clips"], description["subjects"]) == (5, 3, 2)
    assert [(row["class"], row["frames"], row["clips"]) for row in description["classes"]] == [
        ("anger", 3, 1),
        ("joy", 2, 2),
    ]
    assert (description["notes"], description["layout"], description["faces"]) == (["n"], "raw", None)
    assert description["anomalies"] == [
        {"code": "missing file", "where": "s1", "what": "not there", "action": "left out"}
    ]


def test_complete_release_counts_are_columns_by_class() -> None:
    sample_table = table(
        expected_clip_counts=(10, 200), expected_sample_counts=(30, 4000), layout="raw", notes=("a note",)
    )
    first, header, *rows = render_description(build_description(sample_table, None)).splitlines()
    assert first == "made, layout raw, frames all: 5 frames, 3 clips, 2 subjects"
    assert header.split() == ["class", "frames", "complete", "clips", "complete"]
    assert rows[0].split() == ["anger", "3", "30", "1", "10"]
    assert rows[1].split() == ["joy", "2", "4000", "2", "200"]
    assert {len(line) for line in (header, *rows[:2])} == {len(header)}, "columns do not shift"
    assert rows[2:] == ["note: a note", "no anomalies"]


def test_missing_labels_are_unknown_and_not_zero() -> None:
    bare = tuple(replace(sample, subject="", clip="") for sample in table().samples)
    text = render_description(
        build_description(table(samples=bare, synthetic=True, anomalies=(FAULT,)), None)
    )
    first, _, anger, *_ = text.splitlines()
    assert "5 frames, unknown clips, unknown subjects; synthetic faces" in first
    assert ", layout" not in first
    assert anger.split() == ["anger", "3", "-", "-", "-"]
    assert text.splitlines()[-2:] == ["anomaly: missing file: s1: not there; left out", "1 anomaly"]


def test_face_counts_are_grouped_by_box_source() -> None:
    description = build_description(table(), FACES)
    assert description["faces"] == {
        "clips": 4,
        "sources": {"onset": 2, "centre": 1, "subject": 1},
        "by_class": {"anger": [2, 1], "joy": [2, 1]},
        "by_subject": {"s1": [2, 1], "s2": [1, 0]},
    }
    lines = [line for line in render_description(description).splitlines() if line.startswith("faces: ")]
    assert lines == [
        "faces: 4 clips; sources of the face boxes: 2 onset, 1 centre, 1 subject",
        "faces: class anger: not found on the onset frame of 1 of 2 clips",
        "faces: class joy: not found on the onset frame of 1 of 2 clips",
        "faces: subject s1: not found on the onset frame of 1 of 2 clips",
    ]


def test_face_detection_is_pending_only_for_unaligned_releases() -> None:
    assert "not detected yet" in render_description(build_description(table(is_aligned=False), None))
    assert "not detected yet" not in render_description(build_description(table(is_aligned=False), FACES))
    assert "faces" not in render_description(build_description(table(is_aligned=True), None))


def test_plan_of_a_flow_names_its_settings_and_the_changes_that_apply() -> None:
    spec = DatasetSpec(name="casme2", frame_policy="apex", image_size=32)
    assert describe_flow(spec) == ()
    (byte_line,) = describe_flow(replace(spec, representation="flow"))
    assert "flow (farneback at 224 px, strain published, scale bytes), reduced to 32 px as uint8" in byte_line
    assert "no flips; ImageNet normalization" in byte_line
    (float_line,) = describe_flow(replace(spec, representation="flow", flow=FlowSpec(scale="image")))
    assert "float16; augmentation: flips negate u" in float_line
    assert "no ImageNet normalization; no changes of color" in float_line
