"""The paper's loss: focal (Lin et al. 2017, arXiv:1708.02002), weighted by inverse class frequency."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def compute_class_weights(labels: Tensor, num_classes: int) -> Tensor:
    """Return α (classes,) float32: inverse class frequencies of `labels` (N,) integers.

    The mean over the classes present is 1; classes without samples get 0.
    """
    counts = torch.bincount(labels, minlength=num_classes).double()
    inverse_counts = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
    return (inverse_counts / inverse_counts.sum() * (counts > 0).sum()).float()


def focal_loss(logits: Tensor, labels: Tensor, *, alpha: Tensor, gamma: float) -> Tensor:
    """Return -α (1 - p)^γ log p of the true class per sample, from (N, classes) and (N,) to (N,).

    It is computed from logits, so that neither log p nor 1 - p = -expm1(log p) loses precision near 0 or 1.
    """
    log_p = F.log_softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
    # The clamp keeps the gradient of the power finite where p rounds to 1 and γ is below 1.
    one_minus_p = -torch.expm1(log_p).clamp(max=-torch.finfo(log_p.dtype).tiny)
    return -alpha[labels] * one_minus_p**gamma * log_p
