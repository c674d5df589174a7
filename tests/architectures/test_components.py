from itertools import combinations

import pytest

from architectures.catalogue import CATALOGUE
from architectures.components import COMPONENTS, get_components, with_components


def test_every_combination_is_a_network_of_its_own_that_tells_its_parts():
    chosen = [found for size in range(len(COMPONENTS) + 1) for found in combinations(COMPONENTS, size)]
    specs = [with_components(found, name="x") for found in chosen]
    assert len(set(specs)) == 2 ** len(COMPONENTS)
    assert [get_components(spec) for spec in specs] == [frozenset(found) for found in chosen]


def test_none_is_vgg16_and_all_are_the_proposed_network():
    assert with_components((), name="vgg16") == CATALOGUE["vgg16"]
    assert with_components(COMPONENTS, name="proposed") == CATALOGUE["proposed"]
    assert CATALOGUE["proposed"].block.attention == "cbam"
    assert (CATALOGUE["proposed"].norm, CATALOGUE["proposed"].head) == ("batch", "gap")


def test_an_unknown_part_is_refused_with_the_list():
    with pytest.raises(
        ValueError, match="unknown component 'senet'; accepted: cbam, residual, separable, prelu"
    ):
        with_components(("cbam", "senet"), name="x")
