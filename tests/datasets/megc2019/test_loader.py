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


def test_samples_are_named_by_their_set(root: Path) -> None:
    table = load(root, "apex")
    sample = next(sample for sample in table.samples if sample.part == "casme2")
    assert sample.subject.startswith("casme2/sub")
    assert sample.clip.startswith(f"{sample.subject}/")
    assert sample.id == f"{sample.clip}/{sample.frame_number}"
    assert (table.is_aligned, table.aligned_parts) == (False, ("smic", "casme2"))
    assert table.notes[0] == (
        "SMIC: 164 clips (70 negative, 51 positive, 43 surprise) of 16 subjects; the official list has 164 "
        "(70, 51, 43) of 16"
    )


def test_the_clips_that_the_challenge_leaves_out_are_named(root: Path) -> None:
    notes = load(root, "apex").notes
    assert "CASME II: left out by the rule of these classes: sub04/EP12_01f, sub05/EP09_05f" in notes


def test_a_part_of_the_classes_can_be_chosen(root: Path) -> None:
    table = load(root, "apex", classes=("surprise", "negative"))
    assert table.classes == ("negative", "surprise")
    assert table.count_per_class() == (250, 83) == table.expected_clip_counts


def test_the_releases_are_found_by_name_below_the_root_or_by_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CASME II", "SAMM v2", ".smic"):
        (tmp_path / "all" / name).mkdir(parents=True)
    with raises_code("composite-part.missing", "SMIC (a folder with smic in its name, or HARNESS_SMIC)"):
        find_part_roots(tmp_path / "all")
    monkeypatch.setenv("HARNESS_SMIC", str(tmp_path / "elsewhere"))
    roots = {part: path.relative_to(tmp_path).as_posix() for part, path in find_part_roots(tmp_path).items()}
    assert roots == {"smic": "elsewhere", "casme2": "all/CASME II", "samm": "all/SAMM v2"}
    (tmp_path / "all/CASME2-RAW").mkdir()
    with raises_code("composite-part.several", "CASME II, CASME2-RAW", "HARNESS_CASME2"):
        find_part_roots(tmp_path / "all")


def test_a_root_that_does_not_exist_lacks_all_three(tmp_path: Path) -> None:
    with raises_code("composite-part.missing", "SMIC (", "CASME II (", "SAMM (", "It holds no folder"):
        find_part_roots(tmp_path / "nowhere")
