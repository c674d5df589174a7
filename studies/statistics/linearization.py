"""A metric of predicted classes, and how much each test unit contributes to it.

The contribution is the metric's influence function (Hampel 1974, doi 10.1080/01621459.1974.10482962): to
first order, the metric of another sample of units is the metric here plus the sum of what those units
contribute. So the variance of any metric over subjects is that of sums over subjects, as for a mean.
Accuracy and UAR are linear in the units, apart from UAR's class counts; UF1 is not, and the approximation is
tested by simulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studies.spec import Metric


def linearize(
    metric: Metric, truths: NDArray[np.intp], predicted: NDArray[np.intp], *, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the metric of each training, shape (T,), and each unit's contribution to it, shape (T, N).

    `truths` (N,) and `predicted` (T, N) are class numbers below `classes`. Contributions sum to 0. A class
    absent from the truths leaves the means of UF1 and UAR, as in `studies.metrics`.

    Raises:
        ValueError: no units.
    """
    if not truths.size:
        raise ValueError("a metric needs at least one test unit; got none")
    right = (predicted == truths).astype(np.float64)
    if metric == "accuracy":
        value = right.mean(axis=1)
        return value, (right - value[:, None]) / truths.size
    true = np.eye(classes)[truths]  # (N, C)
    support = true.sum(axis=0)
    present = np.flatnonzero(support)
    if metric == "uar":
        recall = right @ true[:, present] / support[present]  # (T, present)
        excess = right[:, :, None] - recall[:, None, :]
        share = true[:, present] / (support[present] * present.size)
        return recall.mean(axis=1), np.einsum("tnc,nc->tn", excess, share)
    answered = np.eye(classes)[predicted]  # (T, N, C)
    total = (support + answered.sum(axis=1))[:, present]  # true and answered, TP counted twice
    hits = 2 * answered[:, :, present] * true[:, present]
    f1 = hits.sum(axis=1) / total
    counted = answered[:, :, present] + true[:, present]
    contribution = (hits - f1[:, None, :] * counted) / total[:, None, :]
    return f1.mean(axis=1), contribution.mean(axis=2)
