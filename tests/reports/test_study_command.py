from dataclasses import replace

import pytest

from reports.study_command import build_command, find_root
from studies.arms import build_ablation_arms
from studies.results import StudyResult
from tests.reports.conftest import Factory


def test_command_of_a_study_from_python_names_what_its_spec_determines(factory: type[Factory]) -> None:
    ladder = factory.study("ablation")
    other = replace(ladder, design="leave-one-out", arms=build_ablation_arms("leave-one-out"))
    ckplus = factory.study(dataset="ckplus")
    ladder_command, other_command, ckplus_command = (
        build_command(StudyResult(study=study, results=()), {"--seeds": 5})
        for study in (ladder, other, ckplus)
    )

    assert ladder_command == "harness ablate --dataset casme2 --preset paper --protocol frame --seeds 5"
    assert "ablate --dataset casme2 --design leave-one-out" in other_command
    assert "compare --dataset ckplus" in ckplus_command


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (
            r"harness compare --dataset folder --root 'my faces' --subject-from '(s\d+)_' --protocol subject",
            r"harness compare --dataset folder --root 'my faces' --subject-from '(s\d+)_'",
        ),
        ("harness ablate --protocol=frame,subject --protocol clip --folds 3", "harness ablate"),
        ("harness ablate --retry-failed --plan p.json --root a", "harness ablate --root a"),
        ("harness reproduce --casme2 a --jobs 2", "harness reproduce --casme2 a --jobs 2"),
    ],
)
def test_command_repeats_the_other_options_of_the_study(
    factory: type[Factory], recorded: str, expected: str
) -> None:
    commands = ("harness compare --root old", recorded)
    result = StudyResult(study=factory.study(), results=(), commands=commands)

    command = build_command(result, {"--protocol": "kfold", "--folds": 8})

    assert command == f"{expected} --protocol kfold --folds 8"


@pytest.mark.parametrize("recorded", ["", "harness", "harness 'compare", "rm -r compare"])
def test_other_recorded_texts_are_no_commands(factory: type[Factory], recorded: str) -> None:
    study = factory.study()
    command = build_command(StudyResult(study=study, results=(), commands=(recorded,)), {"--seeds": 5})

    assert command == build_command(StudyResult(study=study, results=()), {"--seeds": 5})


@pytest.mark.parametrize(
    ("recorded", "root"),
    [
        ("harness compare --dataset casme2 --root 'my faces' --seeds 5", "my faces"),
        ("harness compare --dataset casme2 --root=faces", "faces"),
        ("harness reproduce --ckplus other --casme2 faces", "faces"),
        ("harness compare --dataset casme2", ""),
        ("harness compare --root", ""),
    ],
)
def test_root_is_that_of_the_command(factory: type[Factory], recorded: str, root: str) -> None:
    assert find_root(StudyResult(study=factory.study(), results=(), commands=(recorded,))) == root
