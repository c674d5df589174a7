import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from datasets.catalogue import (
    DATASETS,
    ensure_synthetic_set,
    get_default_frame_policy,
    get_entry,
    load_dataset,
)
from datasets.synthetic.generator import SyntheticSpec
from tests.datasets.conftest import Casme2Tree
from tests.error_codes import raises_code

ROWS = [(1, "EP01", 1, 2, 4, "fear"), (2, "EP02", 7, 8, 9, "disgust")]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def test_catalogue_loads_nothing_heavy() -> None:
    code = "import sys, datasets.catalogue; print({'torch', 'numpy', 'pandas', 'cv2'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize("name", DATASETS)
def test_every_entry_is_complete(name: str) -> None:
    entry = get_entry(name)
    assert entry.name == name
    assert entry.title
    assert entry.access_instructions
    assert entry.frame_policies
    assert set(entry.apex_policies) < set(entry.frame_policies)
    assert entry.layouts


def test_unknown_name_or_policy_is_an_error_listing_the_accepted() -> None:
    with raises_code(
        "dataset.unknown", "'casme3'", "casme2, smic, samm, megc2019, ckplus, folder, synthetic, leaky"
    ):
        get_entry("casme3")
    with raises_code("frame-policy.unknown", "'peak'", "onset_offset, apex, apex_window, paper"):
        load_dataset("casme2", "peak")
    with raises_code("layout.unknown", "'video'", "cropped, raw_selected"):
        load_dataset("casme2", "apex", layout="video")


@pytest.mark.parametrize("name", ["casme2", "synthetic"])
@pytest.mark.parametrize(
    ("protocols", "frames"),
    [
        (("frame",), "paper"),
        (["frame"], "paper"),
        (("subject",), "onset_offset"),
        (("frame", "clip"), "onset_offset"),
    ],
)
def test_papers_frames_are_the_default_only_for_its_split(
    name: str, protocols: Sequence[str], frames: str
) -> None:
    assert get_default_frame_policy(name, protocols) == frames


def test_root_comes_from_argument_variable_or_default_folder(
    tree: Casme2Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tree.write(ROWS)
    assert len(load_dataset("casme2", "apex", root=root).samples) == 2
    monkeypatch.setenv("HARNESS_CASME2", str(root))
    assert len(load_dataset("casme2", "onset_offset").samples) == 7
    monkeypatch.delenv("HARNESS_CASME2")
    assert get_entry("casme2").resolve_root(None) == Path("data/casme2")
    monkeypatch.chdir(tmp_path)
    with raises_code("release-root.missing", tmp_path / "data/casme2"):
        load_dataset("casme2", "onset_offset")


def test_synthetic_set_is_cached_and_accepts_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "datasets.synthetic.generator.DEMO", SyntheticSpec(subjects=1, clips=6, frames=3, balance=True)
    )
    table = load_dataset("synthetic", "onset_offset")
    assert (table.dataset, table.count_per_class(), table.anomalies) == ("synthetic", (3,) * 6, ())
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.name.startswith("synthetic-")
    written = Path(table.samples[0].path).stat().st_mtime_ns
    assert load_dataset("synthetic", "onset_offset") == table
    assert Path(table.samples[0].path).stat().st_mtime_ns == written
    with raises_code("root.not-accepted", folder, "--dataset: casme2"):
        load_dataset("synthetic", "onset_offset", root=folder)
    other = SyntheticSpec(subjects=1, clips=6, frames=3, balance=True, seed=1)
    monkeypatch.setattr("datasets.synthetic.generator.DEMO", other)
    ensure_synthetic_set()
    assert len(list((tmp_path / "cache").iterdir())) == 2, "another set is drawn beside it"


def test_leaky_set_is_generated_beside_the_synthetic_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = SyntheticSpec(subjects=6, frames=3, balance=True, emotions=1)
    monkeypatch.setattr("datasets.synthetic.generator.LEAKY", tiny)
    table = load_dataset("leaky", "onset_offset")
    assert (table.dataset, table.synthetic, table.count_per_class()) == ("leaky", True, (3,) * 6)
    assert len({sample.subject for sample in table.samples}) == 6
    with raises_code("root.not-accepted", "leaky"):
        load_dataset("leaky", "onset_offset", root=tmp_path)


def test_dataset_without_default_folder_needs_a_root() -> None:
    with raises_code("root.missing", "folder", "--root"):
        load_dataset("folder", "all")


def test_frames_of_ck_plus_and_of_motion_have_their_own_defaults() -> None:
    assert get_default_frame_policy("ckplus", ("frame",)) == "last3"
    assert get_default_frame_policy("ckplus", ("subject",), "flow") == "peak"
    assert get_default_frame_policy("casme2", ("frame",), "flow") == "apex"


def test_license_checks_and_path_patterns_by_dataset() -> None:
    licensed = [name for name, entry in DATASETS.items() if entry.requires_license]
    assert licensed == ["casme2", "smic", "samm", "megc2019", "ckplus"]
    assert [name for name, entry in DATASETS.items() if entry.path_patterns] == ["folder"]
    with raises_code("path-pattern.not-accepted", "--clip-from", "--dataset folder", "ckplus"):
        load_dataset("ckplus", "peak", clip_from="(c)")


def test_named_choices_of_classes_have_as_many_classes_as_they_say() -> None:
    schemes = [(entry.name, entry.class_schemes) for entry in DATASETS.values() if entry.class_schemes]
    assert [name for name, _ in schemes] == ["casme2", "smic", "samm", "synthetic", "leaky"]
    for _, classes_by_scheme in schemes:
        for scheme, classes in classes_by_scheme.items():
            assert scheme == f"{len(classes)}-class"
