"""Names that people can say."""

import hashlib
import json

from server.identity.naming import HOW, WHERE, WHO, three_words

LISTS = (HOW, WHO, WHERE)


def test_the_same_serial_has_the_same_name_for_ever() -> None:
    """These names are out there; whoever changes a list breaks them."""
    names = [three_words(serial) for serial in ("0123a1b2c3d4e5f6ee", "000000000000000000")]

    assert three_words("0123A1B2C3D4E5F6EE") == names[0]
    assert ["bright seal mine", "sharp goat mere"] == names


def test_no_list_ever_changes() -> None:
    """Not a word, not an order."""
    digest = hashlib.sha256(json.dumps(LISTS).encode()).hexdigest()

    assert "8c130a77925d06a7" == digest[:16]


def test_every_list_has_128_different_words() -> None:
    """So that each byte draws each word equally often, and two million names are possible."""
    assert [(128, 128)] * 3 == [(len(words), len(set(words))) for words in LISTS]


def test_words_are_easily_said_and_typed() -> None:
    """Short, and in plain letters."""
    words = [word for words in LISTS for word in words]

    assert all(word.isascii() and word.islower() and len(word) <= 11 for word in words)
