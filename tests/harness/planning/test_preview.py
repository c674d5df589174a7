from dataclasses import replace
from pathlib import Path

from harness import api
from harness.planning.execution import ExecutionOptions
from harness.planning.preview import format_total
from harness.tracking.tracker import Tracker
from tests.harness.tiny import request


def test_shared_cell_of_two_studies_counts_as_one(tree: Path, tmp_path: Path) -> None:
    requests = (request(tree), request(tree, only=("proposed", "mobilenetv3-large")))
    first, second = previews = api.plan_studies(
        requests,
        tracker=Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}"),
        execution=ExecutionOptions(),
        out=None,
        with_estimates=False,
    )
    (proposed,) = first.pending_runs
    assert [spec.name for spec in second.pending_runs] == ["mobilenetv3-large"]
    assert [second.describe_state(spec.key) for spec in second.plan.study.list_runs()] == [
        "shared",
        "waiting",
    ]
    assert [replace(first, states={proposed.key: "failed"}).describe_state(proposed.key)] == ["failed"]
    again = replace(first, states={proposed.key: "done"}, repeated_keys=frozenset({proposed.key}))
    assert again.describe_state(proposed.key) == "done, again for the record of its epochs"
    assert (first.shared_keys, second.shared_keys) == (frozenset[str](), frozenset({proposed.key}))
    text = format_total(previews)
    assert text.startswith("total: 2 cells to run in 2 studies; no time estimate")
    weights = (first.disk_need.weight_bytes + second.disk_need.weight_bytes) / 1e6
    assert f"disk: {weights:.1f} MB of weights" in text
