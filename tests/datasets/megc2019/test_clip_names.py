import pytest

from datasets.megc2019.clip_names import build_clip_key, infer_sets, parse_set_name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("samm", "006", "006_1_2"), ("SAMM", "6", "006_1_2")),
        (("smic", "s01", "s01_ne_01"), ("SMIC-HS", "1", "s1_ne_01")),
        (("casme2", "sub01", "EP02_01f"), ("CASME II", "1", "sub01/EP02_01f".replace("sub01", "1"))),
        (("ckplus", "S005", "S005/001"), ("ckplus", "S005", "001")),
    ],
)
def test_spellings_of_one_clip_have_one_key(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert build_clip_key(*first) == build_clip_key(*second)


def test_clips_that_differ_keep_different_keys() -> None:
    keys = {
        build_clip_key("casme2", "sub03", "EP01_2"),
        build_clip_key("casme2", "sub03", "EP01_02"),
        build_clip_key("casme2", "sub12", "EP01_02"),
        build_clip_key("smic", "s03", "s03_ne_01"),
        build_clip_key("smic", "s03", "s03_ne_10"),
        build_clip_key("folder", "1", "a"),
        build_clip_key("folder", "01", "a"),
    }
    assert len(keys) == 7


def test_set_is_inferred_only_if_every_subject_has_a_form() -> None:
    assert infer_sets(["sub01", "s01", "006"]) == {"sub01": "casme2", "s01": "smic", "006": "samm"}
    assert infer_sets(["sub01", "6"]) == {}
    assert parse_set_name("my\nset ") == "my\\nset"
