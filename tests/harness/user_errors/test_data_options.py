"""Tests of mistakes in data options (set, root, classes, frames) and in `harness data`."""

from __future__ import annotations

import pytest

from tests.harness.user_errors.conftest import ErrorCheck

SETS = ("casme2, smic, samm, megc2019, ckplus, folder, synthetic",)
POLICIES = ("onset_offset, apex, apex_window, paper",)
EMOTIONS = ("disgust, fear, happiness, repression, sadness, surprise, others",)

LOCATIONS = {
    "ablate --dataset affectnet": ("choice.unknown", "unknown data set 'affectnet'", *SETS),
    "ablate --dataset CASME2": ("choice.unknown", "unknown data set 'CASME2'", *SETS),
    "ablate --dataset 'casme\n2'": ("choice.unknown", r"unknown data set 'casme\n2'", *SETS),
    "ablate --dataset ''": ("choice.unknown", "unknown data set ''", *SETS),
    "ablate --dataset casme2": ("release-root.missing", "data/casme2", "--root or HARNESS_CASME2"),
    "ablate --dataset ckplus": ("ckplus-root.missing", "data/ckplus", "--root or HARNESS_CKPLUS"),
    "ablate --dataset folder": ("root.missing", "<root>/<class>"),
    "ablate --dataset casme2 --root nowhere": ("release-root.missing", "/nowhere", "--root"),
    "ablate --dataset casme2 --root 'no\nwhere'": ("release-root.missing", r"/no\nwhere", "--root"),
    "ablate --dataset casme2 --root note.txt": ("release-root.not-a-folder", "/note.txt"),
    "ablate --dataset casme2 --root ''": ("release.missing", "no release of CASME II in", "--root"),
    "ablate --dataset casme2 --root empty": (
        "release.missing",
        "no release of CASME II in",
        "/empty",
        "--root",
    ),
    "ablate --dataset ckplus --root empty": ("ckplus-release.missing", "no CK+ in", "/empty", "--root"),
    "ablate --dataset ckplus --root {tree}": ("ckplus-release.missing", "no CK+ in", "S005_001_00000011.png"),
    "ablate --dataset ckplus --root note.txt": (
        "ckplus-root.other-file",
        "a folder, an .h5 or a .csv",
        "/note.txt",
    ),
    "ablate --dataset folder --root empty": ("folder.too-few-classes", "/empty holds 0", "<root>/<class>"),
    "ablate --dataset folder --root nowhere.csv": ("folder-root.missing", "/nowhere.csv"),
    "ablate --dataset folder --root note.txt": ("folder-root.form", "/note.txt"),
    "ablate --root taken": ("root.not-accepted", "--dataset", "casme2"),
    "reproduce": ("reproduction.no-dataset", "--ckplus DIR or --casme2 DIR"),
    "reproduce --casme2 note.txt": ("release-root.not-a-folder", "/note.txt"),
    "reproduce --ckplus nowhere": ("ckplus-root.missing", "/nowhere", "--root or HARNESS_CKPLUS"),
    "tune --dataset casme2 --root nowhere": ("release-root.missing", "/nowhere", "--root"),
    "data describe --dataset casme": ("choice.unknown", "unknown data set 'casme'", *SETS),
    "data describe --dataset casme2 --root note.txt": ("release-root.not-a-folder", "/note.txt"),
    "data prepare --dataset casme2 --root nowhere": ("release-root.missing", "/nowhere", "--root"),
    "data audit --dataset folder": ("root.missing", "<root>/<class>"),
    "data bench --dataset casme3": ("choice.unknown", "unknown data set 'casme3'", *SETS),
}

CHOICES = {
    "ablate --dataset folder --root taken --subject-from '(s'": (
        "path-pattern.invalid",
        "--subject-from",
        "'(s' is not one",
    ),
    r"tune --dataset folder --root taken --clip-from 'c\d'": ("path-pattern.no-group", "--clip-from"),
    "data describe SHORT --subject-from '(s)'": (
        "path-pattern.not-accepted",
        "--subject-from reads subjects from the paths of your own images (--dataset folder)",
        "casme2 names its subjects itself",
    ),
    "ablate SMALL --frames last3": ("frame-policy.unknown", "unknown frames 'last3' of casme2", *POLICIES),
    "ablate SMALL --frames ''": ("frame-policy.unknown", "unknown frames '' of casme2", *POLICIES),
    "ablate --frames peak": ("frame-policy.unknown", "unknown frames 'peak' of synthetic", *POLICIES),
    "ablate SMALL --classes fear,joy": ("class.unknown", "'joy' of casme2", *EMOTIONS),
    "ablate SMALL --classes happines --classes fear": ("class.unknown", "'happines' of casme2", *EMOTIONS),
    "ablate SMALL --classes fear": ("class.too-few", "at least two classes of casme2"),
    "ablate SMALL --classes fear,fear": ("class.too-few", "at least two classes of casme2"),
    "ablate SMALL --layout ck48": (
        "layout.unknown",
        "unknown layout 'ck48' of casme2",
        "cropped, raw_selected, raw, compressed",
    ),
    "ablate SMALL --layout raw": (
        "release-layout.missing",
        "no raw release of CASME II",
        "there is: cropped",
    ),
    "ablate --layout raw": ("layout.unknown", "unknown layout 'raw' of synthetic", "accepted: cropped"),
    "ablate --align left": ("choice.unknown", "unknown --align 'left'"),
    "ablate --align ''": ("choice.unknown", "unknown --align ''"),
    "ablate --representation speed": (
        "choice.unknown",
        "--representation 'speed'",
        "frame, apex_minus_onset, flow",
    ),
    "ablate --representation onset": (
        "choice.unknown",
        "--representation 'onset'",
        "frame, apex_minus_onset, flow",
    ),
    "ablate --representation flow --frames paper": (
        "representation.wrong-frames",
        "--representation flow",
        "apex, apex_window",
    ),
    "ablate --dataset folder --root taken --representation flow": (
        "representation.wrong-frames",
        "--frames",
        "take --representation frame",
    ),
    "ablate --representation flow --flow-method raft": (
        "choice.unknown",
        "--flow-method 'raft'",
        "farneback, tvl1",
    ),
    "ablate --representation flow --flow-size 8": ("flow-size.range", "16 to 1024", "got 8"),
    "ablate --flow-scale image": ("flow-option.without-flow", "--representation flow", "got"),
    "data describe SHORT --frames peak": (
        "frame-policy.unknown",
        "unknown frames 'peak' of casme2",
        *POLICIES,
    ),
    "data describe SHORT --classes joy": ("class.unknown", "'joy' of casme2", *EMOTIONS),
    "data describe SHORT --layout h5": (
        "layout.unknown",
        "unknown layout 'h5' of casme2",
        "cropped, raw_selected",
    ),
    "data prepare --align left": ("choice.unknown", "unknown --align 'left'"),
    "data prepare --representation onset": (
        "choice.unknown",
        "--representation 'onset'",
        "frame, apex_minus_onset, flow",
    ),
    "data prepare --protocol video": ("choice.unknown", "unknown protocol 'video'"),
    "data audit --protocol ''": ("choice.unknown", "unknown protocol ''"),
    "data audit --folds 5": ("folds.without-kfold", "--folds", "--protocol kfold"),
    "data audit --protocol kfold --folds 1": ("folds.too-few", "--folds", "got 1"),
    "data audit SHORT --protocol kfold --folds 5": ("fold-count.range", "--folds", "got 5"),
    "data audit --splits 0": ("repetitions.range", "--splits", "got 0"),
    "data audit --splits 1000000000": ("repetitions.range", "--splits", "at most 1000", "got 1000000000"),
    "data prepare --image-size x": (
        "BadParameter",
        "--image-size",
        "got 'x'",
        "`harness data prepare --help`",
    ),
    "data bench --rounds 0": ("bench-rounds.range", "--rounds", "got 0"),
    "data bench --rounds 1000000000": ("bench-rounds.range", "--rounds", "at most 1000", "got 1000000000"),
    "data bench --image-size -1": ("synthetic-image-size.range", "--image-size", "got -1"),
}

SYNTHESIZED = {
    "data synthesize": ("MissingParameter", "--out", "Missing", "`harness data synthesize --help`"),
    "data synthesize --out taken": ("synthetic-output.occupied", "/taken is neither"),
    "data synthesize --out note.txt": ("synthetic-output.occupied", "/note.txt is neither"),
    "data synthesize --out note.txt/x": ("synthetic-output.below-file", "/note.txt/x"),
    "data synthesize --out ''": ("synthetic-output.working-folder",),
    "data synthesize --out x --layout mmew": (
        "synthetic-option.unknown",
        "unknown layout 'mmew'",
        "casme2, casme2-raw-selected",
        "ck-csv",
    ),
    "data synthesize --out x --subjects 0": (
        "synthetic-subjects.range",
        "from 1 to 99 subjects",
        "subjects=0",
    ),
    "data synthesize --out x --subjects 100": (
        "synthetic-subjects.range",
        "from 1 to 99 subjects",
        "subjects=100",
    ),
    "data synthesize --out x --subjects all": ("BadParameter", "--subjects", "got 'all'", "--help"),
    "data synthesize --out x --clips 1000000000": ("synthetic-count.too-large", "clips=1000000000"),
    "data synthesize --out x --frames 1000000000": ("synthetic-count.too-large", "frames=1000000000"),
    "data synthesize --out x --clips 0": ("synthetic-clips.too-few", "clips=0"),
    "data synthesize --out x --subjects 5 --clips 3": ("synthetic-clips.too-few", "clips=3"),
    "data synthesize --out x --frames 2": ("synthetic-frames.too-few", "at least 3 frames", "frames=2"),
    "data synthesize --out x --amplitude nan": ("synthetic-value.range", "amplitude", "from 0 to 4"),
    "data synthesize --out x --amplitude -1": (
        "synthetic-value.range",
        "amplitude",
        "from 0 to 4",
        "got -1.0",
    ),
    "data synthesize --out x --amplitude much": ("BadParameter", "--amplitude", "got 'much'", "--help"),
    "data synthesize --out x --identity inf": ("synthetic-value.range", "identity", "from 0 to 2"),
    "data synthesize --out x --seed -1": ("synthetic-seed.negative", "seed is 0 or above", "seed=-1"),
    "data synthesize --out x --sheet 2020": (
        "synthetic-option.unknown",
        "unknown sheet '2020'",
        "2014, 2019, xls, csv",
    ),
    "data synthesize --out x --layout ck48 --raw": ("synthetic-raw.layout", "layout casme2", "layout='ck48'"),
    "data synthesize --out x --layout ck48 --sheet 2019": (
        "synthetic-sheet.layout",
        "sheet='2019'",
        "layout='ck48'",
    ),
    "data lst": ("UsageError", "'lst'", "Did you mean 'list'", "`harness data --help`"),
    "data list casme2": ("UsageError", "casme2", "`harness data list --help`"),
    "data list --dataset casme2": (
        "NoSuchOption",
        "--dataset",
        "data describe",
        "`harness data list --help`",
    ),
    "data describe --align none": (
        "NoSuchOption",
        "--align",
        "data prepare",
        "`harness data describe --help`",
    ),
    "data prepare --folds 3": ("NoSuchOption", "--folds", "data audit", "`harness data prepare --help`"),
}


@pytest.mark.parametrize("line", LOCATIONS)
def test_unknown_dataset_or_missing_folder_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, LOCATIONS[line])


@pytest.mark.parametrize("line", CHOICES)
def test_impossible_data_option_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line.replace("SHORT", "--dataset casme2 --root {tree}"), CHOICES[line])


@pytest.mark.parametrize("line", SYNTHESIZED)
def test_impossible_synthesis_or_data_command_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, SYNTHESIZED[line])
