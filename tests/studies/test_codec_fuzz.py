"""Tests of decoding damaged and random JSON: a complete value, or one clear error."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.codec import decode_json, from_data, from_json, to_data, to_json
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import Study
from tests.error_codes import raises_code
from tests.hostile import case_settings, check_outcome, damaged_bytes, hostile_names

pytestmark = pytest.mark.slow

STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    1e308,
    -0.0,
    float("nan"),
    float("inf"),
    "",
    "x" * 100_000,
    [],
    [[]] * 50,
    {},
    {"name": "x"},
    {str(n): n for n in range(5000)},
)


def strange() -> st.SearchStrategy[Any]:
    """Generate JSON values of wrong types."""
    leaves = st.one_of(
        st.sampled_from(STRANGE), hostile_names(), st.integers(), st.floats(allow_subnormal=False)
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_names(), inner),
        max_leaves=4,
    )


@st.composite
def changed_json(draw: st.DrawFn, data: Any) -> Any:
    """Return the data with up to three values replaced, removed or added."""
    changed_data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        node = changed_data
        while True:
            keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 4)):
                node = node[key]
                continue
            match draw(st.sampled_from(("other", "other", "gone", "more"))):
                case "other":
                    node[key] = draw(strange())
                case "gone":
                    del node[key]
                case "more" if isinstance(node, dict):
                    node[draw(hostile_names())] = draw(strange())
            break
    return changed_data


def _assert_round_trip(read: Any) -> None:
    """Assert that a decoded value can be encoded and decoded again without change."""
    if read is not None:
        assert from_json(type(read), to_json(read)) == read


@pytest.mark.parametrize("cls", [RunResult, RunSpec, Study])
@case_settings(150)
@given(data=st.data())
def test_damaged_text_is_decoded_or_refused(result: RunResult, study: Study, cls: Any, data: Any) -> None:
    value = {RunResult: result, RunSpec: result.spec, Study: study}[cls]
    text = data.draw(damaged_bytes(to_json(value).encode())).decode("utf-8", "replace")
    _assert_round_trip(check_outcome(lambda: from_json(cls, text)))


@pytest.mark.parametrize("cls", [RunResult, RunSpec, Study])
@case_settings(60)
@given(data=st.data())
def test_changed_data_are_decoded_or_refused(result: RunResult, study: Study, cls: Any, data: Any) -> None:
    value = {RunResult: result, RunSpec: result.spec, Study: study}[cls]
    altered = data.draw(changed_json(to_data(value)))
    read = check_outcome(lambda: from_data(cls, altered))
    _assert_round_trip(read)
    if isinstance(read, RunSpec):
        assert read.key
    if isinstance(read, Study):
        check_outcome(lambda: [spec.key for spec in read.list_runs()])


@case_settings(200)
@given(value=strange(), data=st.data())
def test_random_json_is_refused(value: Any, data: Any) -> None:
    text = json.dumps(value)
    for cls in (RunResult, RunSpec, Study):
        assert check_outcome(lambda cls=cls: from_json(cls, text)) is None  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 200_000, '{"a":' * 200_000, "1" * 10_000, "NaN", "nul", '"\\ud800"', "\ufeff{}", "1e400"],
    ids=["nothing", "cut", "lists", "objects", "digits", "nan", "word", "half a letter", "mark", "beyond"],
)
def test_text_that_is_no_value_is_refused(text: str) -> None:
    assert check_outcome(lambda: from_json(RunSpec, text)) is None


def test_too_deep_nesting_is_an_error() -> None:
    with pytest.raises(ValueError, match="recursion limit"):
        decode_json("[" * 200_000)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" + "0" * 400])
def test_number_is_finite(result: RunResult, number: str) -> None:
    text = to_json(result).replace(f'"seconds":{result.seconds}', f'"seconds":{number}')
    with raises_code("json.invalid"):
        from_json(RunResult, text)
