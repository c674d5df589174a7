"""Tests of mistakes in data options (set, root, classes, frames) and in `harness data`."""

from __future__ import annotations

import pytest

from tests.harness.wrong.conftest import Wrong

SETS = ("casme2, smic, samm, megc2019, ckplus, folder, synthetic",)
POLICIES = ("onset_offset, apex, apex_window, paper",)
EMOTIONS = ("disgust, fear, happiness, repression, sadness, surprise, others",)

PLACES = {
    "ablate --dataset affectnet": ("unknown data set 'affectnet'", *SETS),
    "ablate --dataset CASME2": ("unknown data set 'CASME2'", *SETS),
    "ablate --dataset 'casme\n2'": (r"unknown data set 'casme\n2'", *SETS),
    "ablate --dataset ''": ("unknown data set ''", *SETS),
    "ablate --dataset casme2": ("data/casme2", "--root or HARNESS_CASME2", "harness data synthesize"),
    "ablate --dataset ckplus": ("data/ckplus", "--root or HARNESS_CKPLUS", "harness data synthesize"),
    "ablate --dataset folder": ("folder needs --root", "<root>/<class>"),
    "ablate --dataset casme2 --root nowhere": ("there is no", "/nowhere", "--root"),
    "ablate --dataset casme2 --root 'no\nwhere'": ("there is no", r"/no\nwhere", "--root"),
    "ablate --dataset casme2 --root note.txt": ("/note.txt is a file", "name the folder that holds it"),
    "ablate --dataset casme2 --root ''": ("no release of CASME II in", "looked for", "--root"),
    "ablate --dataset casme2 --root empty": ("no release of CASME II in", "/empty", "looked for", "--root"),
    "ablate --dataset ckplus --root empty": ("no CK+ in", "/empty", "looked for", "--root"),
    "ablate --dataset ckplus --root {tree}": ("no CK+ in", "looked for", "S005_001_00000011.png"),
    "ablate --dataset ckplus --root note.txt": ("a folder, an .h5 or a .csv", "/note.txt", "name its folder"),
    "ablate --dataset folder --root empty": ("at least two classes", "/empty holds 0", "<root>/<class>"),
    "ablate --dataset folder --root nowhere.csv": ("there is no", "/nowhere.csv", "a CSV with the columns"),
    "ablate --dataset folder --root note.txt": ("a folder or a CSV", "/note.txt", "a CSV with the columns"),
    "ablate --root taken": ("synthetic takes no root", "got taken", "--dataset", "casme2"),
    "reproduce": ("needs a data set of the paper, and none was found", "--ckplus DIR or --casme2 DIR"),
    "reproduce --casme2 note.txt": ("/note.txt is a file", "name the folder"),
    "reproduce --ckplus nowhere": ("there is no", "/nowhere", "--root or HARNESS_CKPLUS"),
    "tune --dataset casme2 --root nowhere": ("there is no", "/nowhere", "--root"),
    "data describe --dataset casme": ("unknown data set 'casme'", *SETS),
    "data describe --dataset casme2 --root note.txt": ("/note.txt is a file", "name the folder"),
    "data prepare --dataset casme2 --root nowhere": ("there is no", "/nowhere", "--root"),
    "data audit --dataset folder": ("folder needs --root", "<root>/<class>"),
    "data bench --dataset casme3": ("unknown data set 'casme3'", *SETS),
}

CHOICES = {
    "ablate --dataset folder --root taken --subject-from '(s'": (
        "--subject-from takes a regular expression",
        "'(s' is none",
        "an example is",
    ),
    r"tune --dataset folder --root taken --clip-from 'c\d'": (
        "--clip-from needs a group",
        "put that part in",
    ),
    "data describe SHORT --subject-from '(s)'": (
        "--subject-from reads subjects from the paths of your own images (--dataset folder)",
        "casme2 names its subjects itself",
        "leave the option out",
    ),
    "ablate SMALL --frames last3": ("unknown frames 'last3' of casme2", *POLICIES),
    "ablate SMALL --frames ''": ("unknown frames '' of casme2", *POLICIES),
    "ablate --frames peak": ("unknown frames 'peak' of synthetic", *POLICIES),
    "ablate SMALL --classes fear,joy": ("unknown class", "'joy' of casme2", *EMOTIONS),
    "ablate SMALL --classes happines --classes fear": ("'happines' of casme2", *EMOTIONS),
    "ablate SMALL --classes fear": ("at least two classes of casme2", "got fear alone"),
    "ablate SMALL --classes fear,fear": ("at least two classes of casme2", "got fear alone"),
    "ablate SMALL --layout ck48": (
        "unknown layout 'ck48' of casme2",
        "cropped, raw_selected, raw, compressed",
    ),
    "ablate SMALL --layout raw": ("no raw release of CASME II", "there is: cropped"),
    "ablate --layout raw": ("unknown layout 'raw' of synthetic", "accepted: cropped"),
    "ablate --align left": ("unknown --align 'left'", "auto, none, haar"),
    "ablate --align ''": ("unknown --align ''", "auto, none, haar"),
    "ablate --representation speed": ("--representation 'speed'", "frame, apex_minus_onset, flow"),
    "ablate --representation onset": ("--representation 'onset'", "frame, apex_minus_onset, flow"),
    "ablate --representation flow --frames paper": (
        "--representation flow",
        "got paper",
        "apex, apex_window",
    ),
    "ablate --dataset folder --root taken --representation flow": ("--frames", "got all", "folder has none"),
    "data describe SHORT --frames peak": ("unknown frames 'peak' of casme2", *POLICIES),
    "data describe SHORT --classes joy": ("'joy' of casme2", *EMOTIONS),
    "data describe SHORT --layout h5": ("unknown layout 'h5' of casme2", "cropped, raw_selected"),
    "data prepare --align left": ("unknown --align 'left'", "auto, none, haar"),
    "data prepare --representation onset": ("--representation 'onset'", "frame, apex_minus_onset, flow"),
    "data prepare --protocol video": ("unknown protocol 'video'", "frame, clip, subject, kfold, loso"),
    "data audit --protocol ''": ("unknown protocol ''", "frame, clip, subject, kfold, loso"),
    "data audit --folds 5": ("--folds", "--protocol kfold", "got frame"),
    "data audit --protocol kfold --folds 1": ("--folds must be at least 2", "got 1"),
    "data audit SHORT --protocol kfold --folds 5": ("--folds must be from 2 to 4", "got 5"),
    "data audit --splits 0": ("--splits must be at least 1", "got 0"),
    "data audit --splits 1000000000": ("--splits", "at most 1000", "got 1000000000"),
    "data prepare --image-size x": ("--image-size", "integer", "got 'x'", "`harness data prepare --help`"),
    "data bench --rounds 0": ("--rounds must be at least 1", "got 0"),
    "data bench --rounds 1000000000": ("--rounds", "at most 1000", "got 1000000000"),
    "data bench --image-size -1": ("--image-size must be from 8 to 1024 pixels", "got -1"),
}

DRAWN = {
    "data synthesize": ("--out", "Missing", "`harness data synthesize --help`"),
    "data synthesize --out taken": ("new or empty folder", "/taken is taken", "name another"),
    "data synthesize --out note.txt": ("new or empty folder", "/note.txt is taken", "name another"),
    "data synthesize --out note.txt/x": ("/note.txt/x cannot be made", "is a file", "name another"),
    "data synthesize --out ''": ("cannot replace the working folder", "name a folder in it"),
    "data synthesize --out x --layout mmew": (
        "unknown layout 'mmew'",
        "casme2, casme2-raw-selected",
        "ck-csv",
    ),
    "data synthesize --out x --subjects 0": ("from 1 to 99 subjects", "subjects=0"),
    "data synthesize --out x --subjects 100": ("from 1 to 99 subjects", "subjects=100"),
    "data synthesize --out x --subjects all": ("--subjects", "integer", "got 'all'", "--help"),
    "data synthesize --out x --clips 1000000000": ("clips is accepted up to", "clips=1000000000"),
    "data synthesize --out x --frames 1000000000": ("frames is accepted up to", "frames=1000000000"),
    "data synthesize --out x --clips 0": ("clips must be at least 26", "clips=0"),
    "data synthesize --out x --subjects 5 --clips 3": ("clips must be at least 7", "clips=3"),
    "data synthesize --out x --frames 2": ("at least 3 frames", "frames=2"),
    "data synthesize --out x --amplitude nan": ("amplitude", "from 0 to 4", "got nan"),
    "data synthesize --out x --amplitude -1": ("amplitude", "from 0 to 4", "got -1.0"),
    "data synthesize --out x --amplitude much": ("--amplitude", "number", "got 'much'", "--help"),
    "data synthesize --out x --identity inf": ("identity", "from 0 to 2", "got inf"),
    "data synthesize --out x --seed -1": ("seed is 0 or above", "seed=-1"),
    "data synthesize --out x --sheet 2020": ("unknown sheet '2020'", "2014, 2019, xls, csv"),
    "data synthesize --out x --layout ck48 --raw": ("layout casme2", "layout='ck48'", "leave raw out"),
    "data synthesize --out x --layout ck48 --sheet 2019": (
        "sheet='2019'",
        "layout='ck48'",
        "leave sheet out",
    ),
    "data lst": ("'lst'", "Did you mean 'list'", "`harness data --help`"),
    "data list casme2": ("casme2", "unexpected", "`harness data list --help`"),
    "data list --dataset casme2": ("--dataset", "data describe", "`harness data list --help`"),
    "data describe --align none": ("--align", "data prepare", "`harness data describe --help`"),
    "data prepare --folds 3": ("--folds", "data audit", "`harness data prepare --help`"),
}


@pytest.mark.parametrize("line", PLACES)
def test_a_set_that_there_is_not_or_a_place_that_does_not_hold_it(wrong: Wrong, line: str) -> None:
    wrong(line, PLACES[line])


@pytest.mark.parametrize("line", CHOICES)
def test_what_the_data_do_not_have_or_cannot_be_made_to_show(wrong: Wrong, line: str) -> None:
    wrong(line.replace("SHORT", "--dataset casme2 --root {tree}"), CHOICES[line])


@pytest.mark.parametrize("line", DRAWN)
def test_a_set_that_cannot_be_drawn_and_a_command_of_data_that_is_none(wrong: Wrong, line: str) -> None:
    wrong(line, DRAWN[line])
