from datasets.megc2019.constants import COMPOSITE, SETS, format_set_title


def test_counts_are_those_of_the_challenge() -> None:
    assert {name: counts.num_clips for name, counts in SETS.items()} == {
        "smic": 164,
        "casme2": 145,
        "samm": 133,
    }
    assert (COMPOSITE.num_clips, COMPOSITE.num_subjects) == (442, 68)
    assert COMPOSITE.clips_per_class == (250, 109, 83)


def test_known_set_has_a_title_and_others_their_name() -> None:
    assert [format_set_title(name) for name in ("casme2", "ckplus")] == ["CASME II", "ckplus"]
