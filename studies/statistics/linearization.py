"""Metrics of predicted classes and the contribution of each test unit to them.

The contribution is the metric's influence function (Hampel 1974, doi 10.1080/01621459.1974.10482962): to
first order, the metric of another sample of units equals the metric of this sample plus the sum of the
contributions of those units. The variance of any metric over subjects is therefore the variance of sums over
subjects, as for a mean. Accuracy is linear in the units, and so is UAR for fixed class counts. UF1 is not
linear; simulations test the approximation.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studies.errors import StudyError
from studies.spec import Metric


def linearize(
    metric: Metric | Literal["precision"],
    truths: NDArray[np.intp],
    predictions: NDArray[np.intp],
    *,
    num_classes: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the metric of each training, shape (T,), and each unit's contribution to it, shape (T, N).

    `truths` (N,) and `predictions` (T, N) are class indices below `num_classes`. The contributions of a
    training sum to 0. The means of UF1, UAR and precision leave out classes absent from `truths`, like those
    of `studies.metrics`.

    Raises:
        StudyError: `truths` is empty.
    """
    if not truths.size:
        raise StudyError("metric.no-units", "a metric needs at least one test unit; got none")
    correct = (predictions == truths).astype(np.float64)
    if metric == "accuracy":
        value = correct.mean(axis=1)
        return value, (correct - value[:, None]) / truths.size
    true_one_hot = np.eye(num_classes)[truths]  # (N, C)
    support = true_one_hot.sum(axis=0)
    present_classes = np.flatnonzero(support)
    if metric == "uar":
        recall = correct @ true_one_hot[:, present_classes] / support[present_classes]  # (T, present)
        deviation = correct[:, :, None] - recall[:, None, :]
        unit_weight = true_one_hot[:, present_classes] / (support[present_classes] * present_classes.size)
        return recall.mean(axis=1), np.einsum("tnc,nc->tn", deviation, unit_weight)
    predicted_one_hot = np.eye(num_classes)[predictions]  # (T, N, C)
    if metric == "precision":
        predicted = predicted_one_hot[:, :, present_classes]
        predicted_count = np.maximum(predicted.sum(axis=1), 1)
        hits = predicted * true_one_hot[:, present_classes]
        precision = hits.sum(axis=1) / predicted_count
        contribution = (hits - precision[:, None, :] * predicted) / predicted_count[:, None, :]
        return precision.mean(axis=1), contribution.mean(axis=2)
    # Labels plus predictions of each class: true positives count twice.
    label_count = (support + predicted_one_hot.sum(axis=1))[:, present_classes]
    hits = 2 * predicted_one_hot[:, :, present_classes] * true_one_hot[:, present_classes]
    f1 = hits.sum(axis=1) / label_count
    one_hot_sum = predicted_one_hot[:, :, present_classes] + true_one_hot[:, present_classes]
    contribution = (hits - f1[:, None, :] * one_hot_sum) / label_count[:, None, :]
    return f1.mean(axis=1), contribution.mean(axis=2)
