import pytest

from architectures.spec import VGG16_STAGES
from studies.codec import from_json, to_json
from studies.cost import (
    PAPER_BLOCK1_SEPARABLE,
    PAPER_BLOCK1_STANDARD,
    Cost,
    compute_block_costs,
    compute_separable_cost,
    compute_standard_cost,
)

COST = Cost(
    parameters=2_372_327,
    multiply_adds=7,
    activations=6,
    attention=5,
    additions=4,
    norm=3,
    pooling=2,
    uncounted_ops=(("softmax", 1),),
)


def test_mib_counts_four_bytes_per_parameter() -> None:
    assert COST.mib == 2_372_327 * 4 / (1024 * 1024)
    assert round(COST.mib, 2) == 9.05


def test_cost_survives_a_json_round_trip() -> None:
    assert from_json(Cost, to_json(COST)) == COST


def test_equations_1_and_2_on_small_numbers() -> None:
    assert compute_standard_cost(3, 2, out_channels=5, side=4) == 9 * 2 * 5 * 16
    assert compute_separable_cost(3, 2, out_channels=5, side=4) == 9 * 2 * 16 + 2 * 5 * 16
    assert compute_standard_cost(1, 2, out_channels=5, side=4) == 2 * 5 * 16


def test_saving_is_that_of_howard_et_al() -> None:
    share = compute_separable_cost(3, 64, out_channels=128, side=56) / compute_standard_cost(
        3, 64, out_channels=128, side=56
    )
    assert share == pytest.approx(1 / 128 + 1 / 9)


def test_block_costs_name_every_block_with_its_map() -> None:
    costs = compute_block_costs(VGG16_STAGES, 224)
    assert [cost.name for cost in costs] == [
        *("1.1", "1.2", "2.1", "2.2"),
        *("3.1", "3.2", "3.3", "4.1", "4.2", "4.3", "5.1", "5.2", "5.3"),
    ]
    assert [cost.side for cost in costs] == [224] * 2 + [112] * 2 + [56] * 3 + [28] * 3 + [14] * 3
    assert [(cost.in_channels, cost.out_channels) for cost in costs[:5]] == [
        (3, 64),
        (64, 64),
        (64, 128),
        (128, 128),
        (128, 256),
    ]


def test_first_block_at_224_pixels() -> None:
    first, second, *_ = compute_block_costs(VGG16_STAGES, 224)
    assert first.standard + second.standard == 1_936_392_192
    assert first.separable == 10_988_544


def test_papers_first_block_is_impossible_at_224_pixels() -> None:
    for paper in (PAPER_BLOCK1_STANDARD, PAPER_BLOCK1_SEPARABLE):
        assert paper % 7 != 0
    for cost in compute_block_costs(VGG16_STAGES, 224):
        assert cost.standard % 49 == cost.separable % 49 == 0
    assert round(PAPER_BLOCK1_SEPARABLE / PAPER_BLOCK1_STANDARD, 4) == 0.0306


def test_map_sizes_are_halved_like_a_max_pool() -> None:
    assert [cost.side for cost in compute_block_costs(((1, 4), (1, 4), (1, 4)), 15)] == [15, 7, 3]
