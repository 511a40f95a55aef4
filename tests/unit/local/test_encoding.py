from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mltk.local.encoding import StatusEncoder, dump

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
STATUSES = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)


@given(st.lists(STATUSES, min_size=1, max_size=4))
def test_what_was_kept_changes_no_text(statuses: list[dict[str, object]]) -> None:
    encode = StatusEncoder()
    for before, after in zip(statuses, [*statuses[1:], {}], strict=True):
        for status in (before, {**before, **after}, after):
            assert encode(status) == dump(status)
            assert json.loads(encode(status)) == status


def test_new_dict_in_the_place_of_one_that_is_gone() -> None:
    encode = StatusEncoder()
    for number in range(100):  # CPython gives the address of a dict away as soon as it is free
        assert encode({"part": {"number": number}}) == f'{{"part":{{"number":{number}}}}}'
