from pathlib import Path

import pytest

from datasets.smic.constants import CLIP_COUNTS
from datasets.smic.loader import load
from datasets.synthetic.generator import SyntheticSpec, synthesize
from datasets.synthetic.smic import plan_smic
from tests.datasets.image_files import load_image


def test_the_full_set_has_the_counts_of_the_release() -> None:
    clips = plan_smic(SyntheticSpec(layout="smic"))
    counts = {name: sum(clip.emotion == name for clip in clips) for name in CLIP_COUNTS["hs"]}
    assert counts == CLIP_COUNTS["hs"]
    assert len({clip.subject for clip in clips}) == 16


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "name"), [("smic", "hs_cropped"), ("smic-raw", "hs_raw")])
def test_the_loader_reads_both_layouts_without_a_complaint(tmp_path: Path, layout: str, name: str) -> None:
    spec = SyntheticSpec(layout=layout, subjects=2, clips=7, frames=3)
    table = load(synthesize(spec, tmp_path / "set"), "onset_offset")
    assert (table.layout, len(table.samples), table.anomalies) == (name, 21, ())
    shape = load_image(table.samples[0].path).shape
    assert (shape[0] < 200) == (layout == "smic")


@pytest.mark.parametrize(("sheet", "missing"), [("162", 1), ("157", 6)])
def test_quirks_take_rows_from_the_annotation_and_no_clip(tmp_path: Path, sheet: str, missing: int) -> None:
    spec = SyntheticSpec(layout="smic", subjects=2, clips=14, frames=3, quirks=True, sheet=sheet)
    table = load(synthesize(spec, tmp_path / "set"), "apex")
    assert len(table.samples) == 14
    assert [anomaly.code for anomaly in table.anomalies] == ["no row"] * missing
    assert "vis_cropped in SMIC_all_cropped/VIS" in table.notes[-1]
