import pickle

from architectures.errors import ArchitectureError


def test_error_keeps_its_code_and_its_message_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(ArchitectureError("width.range", "width must be above 0; got -1")))

    assert (type(error), error.code) == (ArchitectureError, "width.range")
    assert str(error) == "width must be above 0; got -1"
