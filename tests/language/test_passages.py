"""The strings indexing stores: three lines, one field per token."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language import normalise, passage_strings, spoken_query
from earmark.language.passages import MAX_QUERY_TOKENS


def test_the_three_lines_of_a_passage() -> None:
    strings = passage_strings("Two cats, می‌خواهم 東")
    assert strings.keys == "2 cats میخواهم 東"
    assert strings.stems == "2 cat خواه 東"
    assert strings.phones == "tu kats mixvohm 東"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_fields_belong_to_tokens(text: str) -> None:
    strings, tokens = passage_strings(text), normalise(text)
    for line in (strings.keys, strings.stems, strings.phones):
        assert len(line.split(" ") if line else []) == len(tokens)
        assert all(line.split(" ")) or not tokens


def test_a_dictionary_is_asked_before_the_rules() -> None:
    spoken = {"kowalski": "K OW0 V AA1 L S K IY0"}
    assert passage_strings("Kowalski", None, spoken).phones == "kOvolski"
    assert passage_strings("Kowalski").phones != "kOvolski"
    assert spoken_query("Kowalski", None, spoken).strings.phones == "kOvolski"


def test_a_query_is_cut_at_a_number_of_tokens() -> None:
    query = spoken_query("word " * 1000)
    assert len(query.tokens) == MAX_QUERY_TOKENS
    assert query.text == "word " * 1000
