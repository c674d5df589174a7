from pathlib import Path

from datasets.spec import FlowSpec
from harness.commands.data_options import DataOptions, DatasetOptions
from harness.data.loading import DataRequest


def test_options_have_the_defaults_of_a_request() -> None:
    assert DataOptions().to_data_request() == DataRequest(dataset="synthetic")
    assert DatasetOptions().to_data_request() == DataRequest(dataset="synthetic")


def test_options_become_a_request() -> None:
    options = DataOptions(
        dataset="casme2",
        root=Path("data"),
        frames="apex",
        classes=["fear, joy", "anger"],
        layout="raw",
        align="haar",
        representation="flow",
        flow_method="tvl1",
        flow_size=28,
        flow_scale="image",
    )
    assert options.to_data_request() == DataRequest(
        dataset="casme2",
        root=Path("data"),
        frames="apex",
        classes=("fear", "joy", "anger"),
        layout="raw",
        align="haar",
        representation="flow",
        flow=FlowSpec(method="tvl1", size=28, scale="image"),
    )


def test_patterns_of_own_images_are_passed_on() -> None:
    request = DatasetOptions(dataset="folder", subject_from="(s.)", clip_from="(c.)").to_data_request()
    assert (request.subject_from, request.clip_from) == ("(s.)", "(c.)")
