from pathlib import Path

import pytest

from datasets.samm.constants import CLIP_COUNTS
from datasets.samm.loader import load
from datasets.synthetic.generator import SyntheticSpec, synthesize
from datasets.synthetic.samm import plan_samm


def test_the_full_set_has_the_counts_of_the_release() -> None:
    clips = plan_samm(SyntheticSpec(layout="samm"))
    assert {name: sum(clip.emotion == name for clip in clips) for name in CLIP_COUNTS} == CLIP_COUNTS
    assert len({clip.subject for clip in clips}) == 29
    assert len({clip.subject for clip in clips if clip.emotion != "other"}) == 28
    assert len({clip.name for clip in clips}) == len(clips) == 159


@pytest.mark.slow
@pytest.mark.parametrize("sheet", ["v2", "2018"])
def test_the_loader_finds_the_quirks_and_nothing_else(tmp_path: Path, sheet: str) -> None:
    spec = SyntheticSpec(layout="samm", subjects=2, clips=12, frames=3, quirks=True, sheet=sheet)
    table = load(synthesize(spec, tmp_path / "set"), "apex")
    assert [(anomaly.code, anomaly.location) for anomaly in table.anomalies] == [
        ("unusable apex", "006/028_4_1"),
        ("unusable apex", "006/032_3_1"),
    ]
    assert len(table.samples) == 11
