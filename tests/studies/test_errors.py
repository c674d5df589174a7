import pickle

from studies.errors import StudyError


def test_error_keeps_its_code_and_its_message_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(StudyError("margin.range", "the margin must be above 0; got -1")))

    assert (type(error), error.code) == (StudyError, "margin.range")
    assert str(error) == "the margin must be above 0; got -1"
