"""Negative controls: label shuffling and the identity probe (see `studies.controls`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from datasets.preprocessing.image_array import ImageArray
from datasets.spec import Sample
from harness.errors import HarnessError
from harness.training.evaluation import compute_logits
from studies.results import Prediction

MAX_FRAMES_PER_CLIP = 5
"""Maximum number of frames per clip in the identity probe: neighbouring frames are nearly the same."""

MIN_SUBJECTS = 2
"""Minimum number of subjects that the identity probe tells apart."""


def shuffle_labels(labels: Tensor, clips: Sequence[str], *, seed: int) -> Tensor:
    """Permute `labels` (N,) among clips, so that all frames of a clip share one label.

    A sample without a clip ("") counts as a clip of its own. Each label keeps its number of clips.
    """
    names = [clip or f"\0{row}" for row, clip in enumerate(clips)]
    first_rows = {name: row for row, name in reversed(list(enumerate(names)))}
    unique_names = sorted(first_rows)
    permutation = torch.randperm(len(unique_names), generator=torch.Generator().manual_seed(seed)).tolist()
    source_rows = {
        name: first_rows[unique_names[index]] for name, index in zip(unique_names, permutation, strict=True)
    }
    return labels[torch.tensor([source_rows[name] for name in names], device=labels.device)]


def probe_identity(
    network: nn.Module, pixels: ImageArray, rows: Sequence[int], *, device: torch.device
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Prediction, ...]]:
    """Predict the subject from the features of a trained network.

    The features are the input of the last linear layer. A logistic regression (Alain and Bengio 2016,
    arXiv:1610.01644) is trained on every other clip of each subject in `rows` and tested on the others.
    Subjects with a single clip in `rows` are left out. The classes are the subjects of the whole table.

    Returns:
        The subjects' names, the number of training samples of each, and the predictions.

    Raises:
        HarnessError: fewer than two subjects have two clips in `rows`.
    """
    # The import takes half a second, so only studies with a probe pay for it.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    samples = pixels.table.samples
    train_rows, test_rows = _split_clips(samples, rows)
    num_subjects = len({samples[row].subject for row in train_rows})
    if num_subjects < MIN_SUBJECTS:
        raise HarnessError(
            "identity-probe.too-few-subjects",
            f"the identity probe needs at least {MIN_SUBJECTS} subjects with two clips each in training; got "
            f"{num_subjects}: leave --controls out, or add clips of these subjects",
        )
    names = tuple(sorted({sample.subject for sample in samples if sample.subject}))
    train_classes = sorted({names.index(samples[row].subject) for row in train_rows})
    network = network.eval()
    train_features = _extract_features(network, pixels, train_rows, device=device)
    test_features = _extract_features(network, pixels, test_rows, device=device)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    model.fit(train_features, [names.index(samples[row].subject) for row in train_rows])
    probabilities = np.zeros((len(test_rows), len(names)))
    probabilities[:, train_classes] = model.predict_proba(test_features)
    predictions = tuple(
        Prediction(
            id=samples[row].id,
            subject=samples[row].subject,
            clip=samples[row].clip,
            truth=names.index(samples[row].subject),
            probabilities=tuple(map(float, row_probabilities)),
        )
        for row, row_probabilities in zip(test_rows, probabilities, strict=True)
    )
    counts = tuple(sum(samples[row].subject == name for row in train_rows) for name in names)
    return names, counts, predictions


def can_probe(samples: Sequence[Sample], rows: Sequence[int]) -> bool:
    """Return True if at least two subjects have at least two clips each in `rows`."""
    train_rows, _ = _split_clips(samples, rows)
    return len({samples[row].subject for row in train_rows}) >= MIN_SUBJECTS


def _thin_frames(samples: Sequence[Sample], rows: Sequence[int]) -> dict[str, list[int]]:
    """Return up to `MAX_FRAMES_PER_CLIP` evenly spaced rows of each clip that names its subject."""
    rows_by_clip: dict[str, list[int]] = {}
    for row in rows:
        if samples[row].subject:
            rows_by_clip.setdefault(samples[row].clip or samples[row].id, []).append(row)
    return {
        clip: [
            clip_rows[len(clip_rows) * index // MAX_FRAMES_PER_CLIP]
            for index in range(min(MAX_FRAMES_PER_CLIP, len(clip_rows)))
        ]
        if len(clip_rows) > MAX_FRAMES_PER_CLIP
        else clip_rows
        for clip, clip_rows in rows_by_clip.items()
    }


def _split_clips(samples: Sequence[Sample], rows: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split the clips of each subject with at least two: every other clip is for training, the rest for test.

    Returns the training rows and the test rows, with at most `MAX_FRAMES_PER_CLIP` rows of each clip.
    """
    rows_by_clip = _thin_frames(samples, rows)
    clips_by_subject: dict[str, list[str]] = {}
    for clip in sorted(rows_by_clip):
        clips_by_subject.setdefault(samples[rows_by_clip[clip][0]].subject, []).append(clip)
    clip_groups = [clips for clips in clips_by_subject.values() if len(clips) > 1]
    return (
        [row for clips in clip_groups for clip in clips[::2] for row in rows_by_clip[clip]],
        [row for clips in clip_groups for clip in clips[1::2] for row in rows_by_clip[clip]],
    )


def _extract_features(
    network: nn.Module, pixels: ImageArray, rows: Sequence[int], *, device: torch.device
) -> NDArray[np.float32]:
    """Return the inputs (N, features) of the network's last linear layer for `rows`."""
    linear_layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear_layers:
        raise HarnessError(
            "identity-probe.no-linear-layer",
            "the identity probe reads the input of the last nn.Linear; the network "
            f"{type(network).__name__} has no nn.Linear: leave --controls out, or end the network with one",
        )
    last_linear = linear_layers[-1]
    feature_batches: list[Tensor] = []
    hook = last_linear.register_forward_pre_hook(
        lambda _, inputs: feature_batches.append(inputs[0].flatten(1).cpu())
    )
    try:
        compute_logits(network, torch.from_numpy(pixels.images[list(rows)]).to(device))
    finally:
        hook.remove()
    features: NDArray[np.float32] = torch.cat(feature_batches).numpy()
    return features
