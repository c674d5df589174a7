from dataclasses import replace
from pathlib import Path

import pytest

from datasets.spec import Anomaly
from harness.data.loading import DataRequest
from harness.data.preparation import PreparationResult, prepare_dataset


@pytest.fixture
def result(tree: Path) -> PreparationResult:
    request = DataRequest(dataset="casme2", root=tree)
    return prepare_dataset(request, protocols=("frame",), image_size=16)


def test_first_preparation_reads_every_image(result: PreparationResult) -> None:
    assert result.new_images == len(result.pixels.table.samples) > 0
    assert (result.cached_images, result.faces, result.anomalies) == (0, (0, 0), ())


def test_second_preparation_reads_the_cache(result: PreparationResult, tree: Path) -> None:
    request = DataRequest(dataset="casme2", root=tree)
    second = prepare_dataset(request, protocols=("frame",), image_size=16)
    assert (second.new_images, second.cached_images) == (0, result.new_images)
    assert second.pixels.fingerprint == result.pixels.fingerprint


def test_document_describes_the_images(result: PreparationResult) -> None:
    document = replace(result, seconds=1.234).to_dict()
    assert (document["dataset"], document["frames"], document["image_size"]) == ("casme2", "paper", 16)
    assert (document["made"], document["already_there"]) == (document["images"], 0)
    assert (document["seconds"], document["fingerprint"]) == (1.23, result.pixels.fingerprint)


def test_text_states_the_rate_or_the_cached_share(result: PreparationResult) -> None:
    count = result.new_images
    fast = replace(result, seconds=2.0).render_text()
    assert f": {count} images at 16 px (frame, alignment none); 2.0 s, {count / 2:.0f} images" in fast
    cached = replace(result, seconds=0.0, new_images=0, cached_images=count).render_text()
    assert cached.endswith(f"; 0.0 s; {count} of {count} already in the cache")


def test_text_lists_anomalies(result: PreparationResult) -> None:
    anomaly = Anomaly(code="gap", location="sub01", description="ends early", action="used")
    lines = replace(result, anomalies=(anomaly,)).render_text().split("\n")
    assert len(lines) == 2
    assert lines[1].startswith("anomaly: ")


def test_unknown_protocol_is_refused_before_the_data_are_read() -> None:
    with pytest.raises(ValueError, match="'clips'"):
        prepare_dataset(DataRequest(dataset="casme2"), protocols=("clips",), image_size=16)
