import pytest

from datasets.corruptions import CORRUPTIONS, STRENGTHS
from datasets.spec import (
    ALIGNMENTS,
    REPRESENTATIONS,
    Anomaly,
    DatasetSpec,
    FlowSpec,
    ImageRef,
    Sample,
    SampleTable,
)
from tests.error_codes import raises_code


def _build_sample(number: int, label: int, **changes: int) -> Sample:
    return Sample(
        id=f"s1/c1/{number}",
        path="c1.h5",
        label=label,
        subject="s1",
        clip="s1/c1",
        frame_number=number,
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("size", [0, -1])
def test_spec_rejects_an_image_size_below_one(size: int) -> None:
    with raises_code("image-size.below-one", f"got {size}"):
        DatasetSpec(name="casme2", frame_policy="apex", image_size=size)


@pytest.mark.parametrize(
    ("field", "choices"), [("alignment", ALIGNMENTS), ("representation", REPRESENTATIONS)]
)
def test_spec_rejects_an_unknown_option_and_lists_the_choices(field: str, choices: tuple[str, ...]) -> None:
    with raises_code("dataset-option.unknown", f"unknown {field} 'hair'", ", ".join(choices)):
        DatasetSpec(name="casme2", frame_policy="apex", image_size=32, **{field: "hair"})  # type: ignore[arg-type]


def test_spec_accepts_every_alignment_and_representation() -> None:
    specs = {
        DatasetSpec(
            name="casme2",
            frame_policy="apex",
            image_size=1,
            alignment=alignment,
            representation=representation,
        )
        for alignment in ALIGNMENTS
        for representation in REPRESENTATIONS
    }
    assert len(specs) == len(ALIGNMENTS) * len(REPRESENTATIONS)


@pytest.mark.parametrize(
    ("flow", "code", "parts"),
    [
        (FlowSpec(method="raft"), "dataset-option.unknown", ("flow method 'raft'", "farneback, tvl1")),
        (FlowSpec(strain="own"), "dataset-option.unknown", ("flow strain 'own'", "published, forward")),
        (FlowSpec(scale="clip"), "dataset-option.unknown", ("flow scale 'clip'", "bytes, constant, image")),
        (FlowSpec(size=15), "flow-size.range", ("--flow-size", "16 to 1024", "got 15")),
    ],
)
def test_spec_rejects_settings_of_a_flow(flow: FlowSpec, code: str, parts: tuple[str, ...]) -> None:
    with raises_code(code, *parts):
        DatasetSpec(name="casme2", frame_policy="apex", image_size=28, representation="flow", flow=flow)


def test_settings_of_a_flow_belong_to_the_flow_only() -> None:
    flow = FlowSpec(method="tvl1", scale="image")
    spec = DatasetSpec(name="casme2", frame_policy="apex", image_size=28, representation="flow", flow=flow)
    assert spec.describe_representation() == "flow (tvl1 at 224 px, strain published, scale image)"
    assert spec.as_onset().flow == FlowSpec()
    with raises_code(
        "flow-option.without-flow", "got --representation frame", "leave the --flow options out"
    ):
        DatasetSpec(name="casme2", frame_policy="apex", image_size=28, flow=flow)


def test_every_corruption_has_a_size_for_every_strength() -> None:
    assert {len(sizes) for sizes in CORRUPTIONS.values()} == {len(STRENGTHS)}


def test_sample_refers_to_a_file_or_to_an_image_of_a_container() -> None:
    assert _build_sample(1, 0).image_ref == ImageRef("c1.h5", -1)
    assert _build_sample(1, 0, frame_index=4).image_ref == ImageRef("c1.h5", 4)


def test_anomaly_holds_printable_lines() -> None:
    anomaly = Anomaly(code="gap", location="a\nb", description="x\x1b[31m", action="left\tout")
    texts = (anomaly.code, anomaly.location, anomaly.description, anomaly.action)
    assert all(text.isprintable() for text in texts)


def test_table_counts_samples_in_the_order_of_its_classes() -> None:
    samples = tuple(_build_sample(number, label) for number, label in enumerate((2, 0, 2, 2)))
    table = SampleTable(
        dataset="casme2",
        frame_policy="apex",
        classes=("anger", "fear", "joy"),
        samples=samples,
        notes=("two\nlines",),
    )
    assert table.count_per_class() == (1, 0, 3)
    assert all(note.isprintable() for note in table.notes)


def test_empty_table_counts_zero_for_every_class() -> None:
    table = SampleTable(dataset="casme2", frame_policy="apex", classes=("anger", "joy"), samples=())
    assert table.count_per_class() == (0, 0)
