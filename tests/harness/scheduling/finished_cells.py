"""The predictions of the finished cells of a store, to compare two studies."""

import csv
from collections import Counter

from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker


def cells(tracker: Tracker) -> dict[str, list[tuple[str, ...]]]:
    """Return the prediction rows of each finished cell by key."""
    runs = [run for run in tracker.search_runs("attributes.status = 'FINISHED'") if KEY_TAG in run.data.tags]
    assert max(Counter(run.data.tags[KEY_TAG] for run in runs).values()) == 1, "a cell has run twice"
    for run in runs:
        result = tracker.load_result(run.info.run_id)
        steps = [metric.step for metric in tracker.client.get_metric_history(run.info.run_id, "train/loss")]
        assert result is not None
        assert steps == [epoch.number for epoch in result.history] == list(range(1, len(steps) + 1))
    return {
        run.data.tags[KEY_TAG]: [
            tuple(row) for row in csv.reader(tracker.read_text(run, "predictions.csv").splitlines())
        ]
        for run in runs
    }
