"""Labels, wordings and relations."""

from __future__ import annotations

import pytest

from earmark.errors import FormatError
from earmark.scenes.vocabulary import MATCH, OTHER, UNKNOWN, read_vocabulary, shipped_vocabulary

SMALL = """
# a comment
dog: dog | a dog barking ? woof woof
puppy: puppy
tick: clock tick
dog_bark -> dog
puppy < dog
dog < animal
dog ~ wolf
"""


def test_wordings_for_training_and_for_measuring_are_apart() -> None:
    vocabulary = read_vocabulary(SMALL)
    assert vocabulary.words("dog") == ("dog", "a dog barking")
    assert vocabulary.unseen["dog"] == ("woof woof",)
    assert vocabulary.words("glass_break") == ("glass break",)


def test_aliases_and_spellings_lead_to_the_label() -> None:
    vocabulary = read_vocabulary(SMALL)
    assert (
        vocabulary.canonical("dog_bark")
        == vocabulary.canonical("dog bark")
        == vocabulary.canonical("dog-bark")
        == "dog"
    )


@pytest.mark.parametrize(
    ("sound", "query", "relation"),
    [
        ("dog", "dog", MATCH),
        ("puppy", "animal", MATCH),
        ("animal", "dog", UNKNOWN),
        ("dog", "wolf", UNKNOWN),
        ("wolf", "dog", UNKNOWN),
        ("puppy", "wolf", UNKNOWN),
        ("dog", "tick", OTHER),
    ],
)
def test_relations(sound: str, query: str, relation: int) -> None:
    assert read_vocabulary(SMALL).relation(sound, query) == relation


def test_the_table_of_relations_is_the_single_ones() -> None:
    vocabulary, labels = read_vocabulary(SMALL), ["dog", "puppy", "wolf", "tick"]
    table = vocabulary.relations(labels, labels)
    assert [[int(v) for v in row] for row in table] == [[vocabulary.relation(a, b) for b in labels] for a in labels]


def test_a_line_that_is_nothing_is_named() -> None:
    with pytest.raises(FormatError) as caught:
        read_vocabulary("dog: dog\nwhat is this\n", "mine.txt")
    assert str(caught.value) == (
        "mine.txt, line 2: expected `label: wordings`, `alias -> label`, `label < parent` or `a ~ b`, "
        "found 'what is this'. See the head of the shipped vocabulary for the notation."
    )


def test_in_the_shipped_one_no_wording_is_both_trained_and_measured() -> None:
    vocabulary = shipped_vocabulary()
    trained = {text for texts in vocabulary.wordings.values() for text in texts}
    unseen = {text for texts in vocabulary.unseen.values() for text in texts}
    assert len(vocabulary.unseen) >= 90
    assert not trained & unseen


def test_in_the_shipped_one_aliases_lead_somewhere_and_nothing_is_its_own_parent() -> None:
    vocabulary = shipped_vocabulary()
    assert all(label not in vocabulary.aliases for label in vocabulary.aliases.values())
    assert all(child not in above for child, above in vocabulary.parents.items())
