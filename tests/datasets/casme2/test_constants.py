import subprocess
import sys

import pytest

from datasets.casme2.constants import (
    CLASSES,
    DEFAULT_CLASSES,
    EDITION_2014,
    EDITION_2019,
    get_expected_clip_counts,
    get_expected_sample_counts,
)


@pytest.mark.parametrize("module", ["casme2.constants", "sheets.release_search"])
def test_catalogue_modules_load_nothing_heavy(module: str) -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'cv2', 'openpyxl'}"
    code = f"import sys, datasets.{module}; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_clip_counts_of_both_editions() -> None:
    assert get_expected_clip_counts(CLASSES, edition=EDITION_2014) == (63, 2, 32, 27, 7, 25, 99)
    assert get_expected_clip_counts(CLASSES, edition=EDITION_2019) == (63, 2, 32, 27, 4, 28, 99)
    assert sum(get_expected_clip_counts(CLASSES, edition=EDITION_2014)) == 255
    assert sum(get_expected_clip_counts(CLASSES, edition=EDITION_2019)) == 255


def test_unknown_edition_counts_as_2014() -> None:
    assert get_expected_clip_counts(("sadness", "surprise"), edition="") == (7, 25)


def test_table_2_is_known_only_for_the_sheet_of_2014() -> None:
    assert get_expected_sample_counts("paper", DEFAULT_CLASSES, edition=EDITION_2014) == (
        2058,
        127,
        1573,
        1090,
        256,
        947,
    )
    assert sum(get_expected_sample_counts("paper", DEFAULT_CLASSES, edition=EDITION_2014)) == 6051
    assert get_expected_sample_counts("paper", ("fear", "sadness"), edition=EDITION_2014) == (127, 256)
    assert get_expected_sample_counts("paper", DEFAULT_CLASSES, edition=EDITION_2019) == ()
    assert get_expected_sample_counts("paper", DEFAULT_CLASSES, edition="") == ()
    assert get_expected_sample_counts("paper", CLASSES, edition=EDITION_2014) == ()
    assert get_expected_sample_counts("onset_offset", DEFAULT_CLASSES, edition=EDITION_2014) == ()
