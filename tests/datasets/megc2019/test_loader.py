from collections import Counter
from pathlib import Path

import pytest

from datasets.megc2019.constants import COMPOSITE, SETS
from datasets.megc2019.loader import find_part_roots, load
from tests.datasets.megc2019.releases import write_full_composite
from tests.error_codes import raises_code


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "quirks"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("composite")
    write_full_composite(folder, quirks=request.param)
    return folder


def test_the_rules_give_the_official_numbers(root: Path) -> None:
    table = load(root, "apex")
    clips = {sample.clip: (sample.part, sample.label) for sample in table.samples}
    counts = Counter(clips.values())
    for part, official in SETS.items():
        assert tuple(counts[part, label] for label in range(3)) == official.clips_per_class
        subjects = {sample.subject for sample in table.samples if sample.part == part}
        assert len(subjects) == official.num_subjects
    assert table.count_per_class() == COMPOSITE.clips_per_class == table.expected_clip_counts
    assert (len(clips), len({sample.subject for sample in table.samples})) == (442, 68)
