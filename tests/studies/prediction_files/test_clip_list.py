from dataclasses import replace

from datasets.megc2019.constants import CLASSES
from studies.prediction_files.clip_list import DIGEST_LENGTH, compute_clip_list_digest
from tests.studies.prediction_files.synthetic import make_predictions


def test_the_digest_depends_on_clips_and_labels_and_on_nothing_else() -> None:
    predictions = make_predictions()
    digest = compute_clip_list_digest(predictions, CLASSES)
    assert len(digest) == DIGEST_LENGTH
    other_answers = [replace(p, predicted_class=0) for p in reversed(predictions)]
    assert compute_clip_list_digest(other_answers, CLASSES) == digest
    first, *rest = predictions
    assert compute_clip_list_digest(rest, CLASSES) != digest
    relabeled = [replace(first, truth=(first.truth + 1) % 3), *rest]
    assert compute_clip_list_digest(relabeled, CLASSES) != digest


def test_the_spelling_of_names_does_not_matter() -> None:
    predictions = [p for p in make_predictions() if p.dataset == "samm"]
    short = [replace(p, subject=p.subject.lstrip("0"), dataset="SAMM") for p in predictions]
    digests = {compute_clip_list_digest(clips, CLASSES) for clips in (predictions, short)}
    assert len(digests) == 1
