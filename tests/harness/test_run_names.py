"""Tests of the names of runs and studies."""

from dataclasses import replace

from architectures.catalogue import CATALOGUE
from datasets.spec import DatasetSpec
from harness.run_names import format_run_name, format_study_note
from studies.spec import TrainingSpec
from studies.study import Study

STUDY = Study(
    kind="ablation",
    design="ladder",
    preset="quick",
    dataset=DatasetSpec(name="casme2", frame_policy="apex", image_size=32),
    fingerprint="f" * 64,
    protocols=("kfold",),
    folds=(2,),
    seeds=(5,),
    training=TrainingSpec(),
    arms=(CATALOGUE["proposed"],),
    controls=("shuffled-labels",),
)


def test_cell_is_named_by_its_arm_role_protocol_seed_and_fold() -> None:
    assert [format_run_name(spec) for spec in STUDY.list_runs()] == [
        "proposed · kfold · seed 5 · fold 0 of 2",
        "proposed (shuffled-labels) · kfold · seed 5 · fold 0 of 2",
        "proposed · kfold · seed 5 · fold 1 of 2",
        "proposed (shuffled-labels) · kfold · seed 5 · fold 1 of 2",
    ]
    (single_spec,) = replace(STUDY, protocols=("frame",), folds=(), controls=()).list_runs()
    assert format_run_name(single_spec) == "proposed · frame · seed 5"


def test_study_note_describes_the_study_and_its_report() -> None:
    note = format_study_note(STUDY)
    assert note.startswith(
        "**ablation** ladder on **casme2** (apex, 32 px), protocols kfold, 1 split(s), 1 seed(s)"
    )
    assert "arms: proposed" in note
    assert f"harness report {STUDY.name}" in note
