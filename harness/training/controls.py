"""What is done to a run so that it should know nothing of expressions: see `studies.controls`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from datasets.pixels.cache import Pixels
from datasets.spec import Sample
from harness.training.evaluate import logits_of
from studies.results import Prediction

FRAMES = 5
"""Most frames of a clip that the identity probe looks at: neighbours tell it nothing new."""


def shuffled(labels: Tensor, clips: Sequence[str], *, seed: int) -> Tensor:
    """`labels` (N,) dealt anew among the clips, whose frames keep one label together.

    A sample whose clip is not told ("") is a clip of its own. Every label goes to as many clips as before.
    """
    names = [clip or f"\0{row}" for row, clip in enumerate(clips)]
    firsts = {name: row for row, name in reversed(list(enumerate(names)))}
    order = sorted(firsts)
    dealt = torch.randperm(len(order), generator=torch.Generator().manual_seed(seed)).tolist()
    source = {name: firsts[order[place]] for name, place in zip(order, dealt, strict=True)}
    return labels[torch.tensor([source[name] for name in names], device=labels.device)]


def probe_identity(
    network: nn.Module, pixels: Pixels, rows: Sequence[int], *, device: torch.device
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Prediction, ...]]:
    """Read the subject from the features of a trained network: names, training counts, predictions.

    The features are what the last linear layer is given. Of each subject in `rows`, every other clip trains
    a logistic regression (Alain and Bengio 2016, arXiv:1610.01644), the rest test it; truths and answers are
    subjects of the whole table. Those with a single clip in `rows` stay out.

    Raises:
        ValueError: fewer than two subjects have two clips here.
    """
    # Half a second to import, which studies without a probe need not wait for.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    samples = pixels.table.samples
    if not can_probe(samples, rows):
        raise ValueError("the identity probe needs at least two subjects with two clips each in training")
    fit, test = _halves(samples, rows)
    names = tuple(sorted({sample.subject for sample in samples if sample.subject}))
    present = sorted({names.index(samples[row].subject) for row in fit})
    network = network.eval()
    learned = _features(network, pixels, fit, device=device)
    asked = _features(network, pixels, test, device=device)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    model.fit(learned, [names.index(samples[row].subject) for row in fit])
    chances = np.zeros((len(test), len(names)))
    chances[:, present] = model.predict_proba(asked)
    predictions = tuple(
        Prediction(
            id=samples[row].id,
            subject=samples[row].subject,
            clip=samples[row].clip,
            truth=names.index(samples[row].subject),
            probabilities=tuple(map(float, chance)),
        )
        for row, chance in zip(test, chances, strict=True)
    )
    counts = tuple(sum(samples[row].subject == name for row in fit) for name in names)
    return names, counts, predictions


def can_probe(samples: Sequence[Sample], rows: Sequence[int]) -> bool:
    """Whether an identity probe can be made of these rows: two subjects have two clips each among them."""
    fit, _ = _halves(samples, rows)
    return len({samples[row].subject for row in fit}) > 1


def _thinned(samples: Sequence[Sample], rows: Sequence[int]) -> dict[str, list[int]]:
    """Up to `FRAMES` rows of each clip, evenly spaced."""
    clips: dict[str, list[int]] = {}
    for row in rows:
        if samples[row].subject:
            clips.setdefault(samples[row].clip or samples[row].id, []).append(row)
    return {
        clip: [members[len(members) * place // FRAMES] for place in range(min(FRAMES, len(members)))]
        if len(members) > FRAMES
        else members
        for clip, members in clips.items()
    }


def _halves(samples: Sequence[Sample], rows: Sequence[int]) -> tuple[list[int], list[int]]:
    """The rows of every other clip of each subject that has at least two, thinned, and of the others."""
    clips = _thinned(samples, rows)
    of_subject: dict[str, list[str]] = {}
    for clip in sorted(clips):
        of_subject.setdefault(samples[clips[clip][0]].subject, []).append(clip)
    several = [members for members in of_subject.values() if len(members) > 1]
    return (
        [row for members in several for clip in members[::2] for row in clips[clip]],
        [row for members in several for clip in members[1::2] for row in clips[clip]],
    )


def _features(
    network: nn.Module, pixels: Pixels, rows: Sequence[int], *, device: torch.device
) -> NDArray[np.float32]:
    """What the network's last linear layer is given for these rows, (N, features)."""
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(
            "the identity probe reads what the last linear layer is given; this network has none"
        )
    last = linear[-1]
    seen: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].flatten(1).cpu()))
    try:
        logits_of(network, torch.from_numpy(pixels.images[list(rows)]).to(device))
    finally:
        hook.remove()
    found: NDArray[np.float32] = torch.cat(seen).numpy()
    return found
