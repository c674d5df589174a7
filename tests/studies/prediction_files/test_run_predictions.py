from studies.prediction_files.run_predictions import convert_predictions
from studies.results import Prediction


def _predict(subject: str, clip: str) -> Prediction:
    return Prediction(id=clip, subject=subject, clip=clip, truth=1, probabilities=(0.2, 0.5, 0.3))


def test_a_clip_of_a_composite_is_one_of_its_set() -> None:
    (clip,) = convert_predictions([_predict("casme2/sub01", "casme2/sub01/EP02_01f")], dataset="megc2019")
    assert (clip.dataset, clip.subject, clip.clip) == ("casme2", "sub01", "EP02_01f")
    assert (clip.truth, clip.predicted_class) == (1, 1)


def test_a_clip_of_another_data_set_belongs_to_it() -> None:
    (clip,) = convert_predictions([_predict("casme2/x", "casme2/x/c1")], dataset="folder")
    assert (clip.dataset, clip.subject, clip.clip) == ("folder", "casme2/x", "c1")
