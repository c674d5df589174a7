"""How much of a test set a network has met while it learned: the same clip, or the same person."""

from __future__ import annotations

from datasets.spec import Leakage, SampleTable, Split


def leakage(table: SampleTable, split: Split) -> Leakage:
    """Shares of the test samples whose clip, and whose subject, also stand in training."""
    assert split.test, "a split always leaves a test sample"
    train = [table.samples[row] for row in split.train]
    test = [table.samples[row] for row in split.test]
    clips, subjects = {sample.clip for sample in train}, {sample.subject for sample in train}
    return Leakage(
        clip=sum(sample.clip in clips for sample in test) / len(test),
        subject=sum(sample.subject in subjects for sample in test) / len(test),
    )
