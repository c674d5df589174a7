import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.preprocessing.strain import compute_strain
from datasets.spec import STRAIN_FORMULAS

LINEAR_FLOWS = [(0.1, 0, 0, 0), (0, 0.1, 0.1, 0), (0.1, 0.2, -0.3, 0.4)]
"""Derivatives of u by x, of u by y, of v by x and of v by y."""


def make_linear_flow(
    u_x: float, u_y: float, v_x: float, v_y: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[:9, :11].astype(np.float32)
    return u_x * x + u_y * y, v_x * x + v_y * y


@pytest.mark.parametrize("formula", STRAIN_FORMULAS)
@pytest.mark.parametrize(("u_x", "u_y", "v_x", "v_y"), LINEAR_FLOWS)
def test_strain_of_a_linear_flow_is_that_of_the_formula(
    formula: str, u_x: float, u_y: float, v_x: float, v_y: float
) -> None:
    strain = compute_strain(*make_linear_flow(u_x, u_y, v_x, v_y), formula=formula)
    squares = {
        "published": u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2,
        "forward": u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2,
        "central_swapped": u_y**2 + v_x**2 + (u_x + v_y) ** 2 / 2,
        "sobel_swapped": u_y**2 + v_x**2 + (u_x**2 + v_y**2) / 2,
    }
    assert strain.dtype == np.float32
    assert strain.shape == (9, 11)
    inside = strain[1:-1, 1:-1] if formula == "sobel_swapped" else strain
    assert inside == pytest.approx(np.full(inside.shape, np.sqrt(squares[formula])), abs=1e-5)


def test_formulas_differ_where_the_flow_bends() -> None:
    u, v = (np.random.default_rng(seed).random((9, 11)).astype(np.float32) for seed in (0, 1))
    forward = compute_strain(u, v, formula="forward")
    u_x, u_y, v_x, v_y = u[3, 5] - u[3, 4], u[4, 4] - u[3, 4], v[3, 5] - v[3, 4], v[4, 4] - v[3, 4]
    assert forward[3, 4] == pytest.approx(np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2), abs=1e-6)
    assert np.array_equal(forward[:, -1], forward[:, -2])
    assert np.array_equal(forward[-1], forward[-2])
    strains = [compute_strain(u, v, formula=formula) for formula in STRAIN_FORMULAS]
    assert not any(np.allclose(a, b) for n, a in enumerate(strains) for b in strains[:n])


def test_rotation_has_no_strain() -> None:
    strain = compute_strain(*make_linear_flow(0, 0.1, -0.1, 0))
    assert strain == pytest.approx(np.zeros((9, 11)), abs=1e-6)
