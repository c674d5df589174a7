import os
from pathlib import Path
from typing import Any

import pytest

from harness.bench.data import MAX_ROUNDS, DataBenchResult, benchmark_data, temporary_cache
from harness.data.loading import DataRequest


def _build_result(**changes: Any) -> DataBenchResult:
    values: dict[str, Any] = {
        "image_count": 100,
        "image_size": 48,
        "aligned": False,
        "core_count": 2,
        "describe_seconds": (0.5, 0.5),
        "prepare_seconds": (2.0, 4.0),
        "plain_seconds": (1.0, 1.0),
    }
    return DataBenchResult(**{**values, **changes})


def test_ratio_compares_the_speed_round_by_round() -> None:
    assert _build_result().ratios == (0.5, 0.25)
    assert _build_result(plain_seconds=()).ratios == ()


def test_text_states_sizes_rounds_and_rates() -> None:
    text = _build_result().render_text()
    assert text.startswith(
        "100 images, 2 cores, 2 rounds\ndescribed in 0.50 s\nprepared at 48 px in 3.0 s, 33 "
    )
    assert text.endswith("preparing reaches 38% (25% to 50%) of that")


def test_text_names_face_detection_and_omits_unmeasured_rates() -> None:
    text = _build_result(aligned=True, plain_seconds=()).render_text()
    assert "prepared at 48 px with face detection in 3.0 s" in text
    assert "plain decoding" not in text


@pytest.mark.parametrize("rounds", [0, MAX_ROUNDS + 1])
def test_rounds_out_of_range_are_refused(rounds: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1 and at most {MAX_ROUNDS}; got {rounds}"):
        benchmark_data(DataRequest(dataset="synthetic"), image_size=48, rounds=rounds)


def test_benchmark_measures_every_round_and_leaves_no_cache(tree: Path, tmp_path: Path) -> None:
    request = DataRequest(dataset="casme2", root=tree)
    result = benchmark_data(request, image_size=16, rounds=2)
    document = result.to_dict()
    assert (document["image_size"], document["aligned"]) == (16, False)
    assert document["images"] > 0
    for part in ("describe_s", "prepare_s", "plain_decoding_s", "ratio"):
        assert len(document[part]) == 2
        assert min(document[part]) > 0
    assert not list(tmp_path.rglob("*.npy"))


def test_temporary_cache_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", "/mine")
    with temporary_cache():
        folder = os.environ["HARNESS_CACHE"]
        assert Path(folder).is_dir()
    assert os.environ["HARNESS_CACHE"] == "/mine"
    assert not Path(folder).exists()
