import pickle

from datasets.errors import DatasetError


def test_error_keeps_its_code_and_its_message_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(DatasetError("image-size.below-one", "image size -1")))

    assert (type(error), error.code) == (DatasetError, "image-size.below-one")
    assert str(error) == "image size -1"
