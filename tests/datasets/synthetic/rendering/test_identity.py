from dataclasses import fields

import pytest

from datasets.synthetic.rendering.identity import Identity, sample_identity


def test_no_spread_is_the_mean_face_whatever_the_seed() -> None:
    assert sample_identity((1,), spread=0) == sample_identity((2,), spread=0) == Identity()


def test_identity_depends_only_on_the_seed() -> None:
    assert sample_identity((1, 2)) == sample_identity((1, 2))
    assert sample_identity((1, 2)) != sample_identity((1, 3))


def test_more_spread_is_further_from_the_mean_in_the_same_direction() -> None:
    near, far = sample_identity((5,), spread=0.5), sample_identity((5,), spread=1.0)
    mean = Identity()
    assert far.mouth_width - mean.mouth_width == pytest.approx(2 * (near.mouth_width - mean.mouth_width))
    assert far.mouth_width != mean.mouth_width


def test_traits_stay_inside_two_deviations() -> None:
    people = [sample_identity((seed,)) for seed in range(40)]
    traits = [trait for trait in fields(Identity) if "spread" in trait.metadata]
    assert len(traits) > 20
    for trait in traits:
        values = [getattr(person, trait.name) for person in people]
        assert max(abs(value - trait.default) for value in values) <= 2 * trait.metadata["spread"] + 1e-9
        assert len(set(values)) > 30


def test_identities_differ_in_hair_skin_and_glasses() -> None:
    people = [sample_identity((seed,)) for seed in range(40)]
    assert {
        len({getattr(person, name) for person in people}) > 3 for name in ("hair_style", "skin_color")
    } == {True}
    assert 1 <= sum(person.has_glasses for person in people) <= 20
