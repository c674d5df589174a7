"""Tests of the focal loss against values computed by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from harness.training.loss import compute_class_weights, focal_loss


def test_class_weights_are_inverse_frequencies_with_mean_one() -> None:
    # 1/1, 1/2, 1/4 over three classes present: scaled by 3 / 1.75.
    weights = compute_class_weights(torch.tensor([0, 1, 1, 3, 3, 3, 3]), 4)
    assert weights.tolist() == pytest.approx([12 / 7, 6 / 7, 0, 3 / 7])
    assert float(weights.sum()) / 3 == pytest.approx(1)


def test_focal_loss_by_hand() -> None:
    # p = 0.8 of the true class, α 2, γ 2: 2 * 0.04 * -ln 0.8.
    logits = torch.tensor([[math.log(0.8), math.log(0.2)]])
    loss = focal_loss(logits, torch.tensor([0]), alpha=torch.tensor([2.0, 1.0]), gamma=2)
    assert loss.tolist() == pytest.approx([-2 * 0.2**2 * math.log(0.8)])


def test_gamma_zero_without_weights_is_cross_entropy() -> None:
    logits = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 5
    losses = focal_loss(logits, labels, alpha=torch.ones(5), gamma=0)
    torch.testing.assert_close(losses, F.cross_entropy(logits, labels, reduction="none"))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("logit", [-200.0, 0.0, 200.0])
def test_loss_and_gradient_stay_finite_at_the_extremes(gamma: float, logit: float) -> None:
    logits = torch.tensor([[logit, 0.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([0]), alpha=torch.ones(2), gamma=gamma).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_loss_near_1_keeps_its_precision() -> None:
    # At p = 1 - 1e-9, (1 - p)² log p is -1e-27; 1 - p taken in float32 would be 0.
    logits = torch.tensor([[math.log(1e9), 0.0]])
    loss = focal_loss(logits, torch.tensor([0]), alpha=torch.ones(2), gamma=2)
    assert loss.item() == pytest.approx(1e-27, rel=1e-3)
