from collections import Counter
from pathlib import Path

from datasets.casme2.constants import CLIP_COUNTS, EDITION_2014, SCHEMES
from datasets.megc2019.loader import load
from datasets.synthetic.casme2_plan import plan_clips
from datasets.synthetic.generator import SyntheticSpec, synthesize
from datasets.synthetic.megc2019 import EXCLUDED_CLIPS, arrange_casme2


def test_one_folder_holds_three_releases(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    spec = SyntheticSpec(layout="megc2019", subjects=2, clips=7, frames=3)
    root = synthesize(spec, tmp_path / "set", progress=lambda *counts: seen.append(counts))
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == ["casme2", "samm", "smic"]
    assert seen == [(done, 7) for done in range(1, 8)] * 3
    table = load(root, "apex")
    assert {sample.part for sample in table.samples} == {"smic", "casme2", "samm"}
    assert table.anomalies == ()


def test_the_full_casme2_has_the_excluded_clips_and_24_subjects_of_the_composite() -> None:
    spec = SyntheticSpec()
    planned = plan_clips(subjects=26, clips=255, frames=3, balance=False, seed=0)
    clips = arrange_casme2(spec, planned)
    assert Counter(clip.emotion for clip in clips) == CLIP_COUNTS[EDITION_2014]
    excluded = [clip for clip in clips if (clip.subject, clip.name) in EXCLUDED_CLIPS]
    assert [clip.emotion for clip in excluded] == ["disgust", "disgust"]
    members = {
        clip.subject for clip in clips if clip.emotion in SCHEMES["3-class"].emotions and clip not in excluded
    }
    assert len(members) == 24


def test_a_smaller_set_stays_as_planned() -> None:
    planned = plan_clips(subjects=2, clips=8, frames=3, balance=False, seed=0)
    assert arrange_casme2(SyntheticSpec(subjects=2, clips=8), planned) == planned
