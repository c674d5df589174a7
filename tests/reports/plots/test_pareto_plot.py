from pathlib import Path

from reports.plots.pareto_plot import CostPoint, draw_pareto_plot, select_pareto_front


def _point(name: str, cost: float, score: float) -> CostPoint:
    return CostPoint(name=name, cost=cost, score=score)


def test_the_front_holds_the_points_that_no_other_point_beats() -> None:
    points = [
        _point("a", 1, 50),
        _point("b", 2, 40),
        _point("c", 3, 60),
        _point("d", 3, 55),
        _point("e", 4, 60),
    ]

    assert [point.name for point in select_pareto_front(points)] == ["a", "c"]


def test_sixteen_networks_and_one_protocol_fit_a_column(tmp_path: Path) -> None:
    points = [CostPoint(name=f"n{n}", cost=10.0**n, score=n, bounds=(n, n + 1)) for n in range(1, 17)]

    draw_pareto_plot([("frame", points)], tmp_path / "a.png", cost_label="work", score_label="UAR, %")

    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
