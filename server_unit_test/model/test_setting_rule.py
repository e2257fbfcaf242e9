"""What single values may be, and how they are refused."""

import pytest

from server.model.setting_rule import (
    MAX_SHOWN,
    MAX_URL_LENGTH,
    Flag,
    ListOf,
    Number,
    OneOf,
    Rule,
    Text,
    Url,
    Whole,
    shown,
)

LONG_URL = "https://example.org/" + "x" * (MAX_URL_LENGTH - 20)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (Whole(0, 10), 0, 0),
        (Whole(0, 10), 10, 10),
        (Number(0.5, 2), 1, 1.0),
        (Number(0.5, 2), 0.5, 0.5),
        (Flag(), True, True),
        (Text(3), "", ""),
        (Text(3), "ä b", "ä b"),
        (OneOf(("INFO", "DEBUG")), "debug", "DEBUG"),
        (Url(), "http://10.0.0.2:8080/gw/data/", "http://10.0.0.2:8080/gw/data/"),
        (Url(), "https://[fe80::1]/", "https://[fe80::1]/"),
        (Url(), LONG_URL, LONG_URL),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), [1, 2], (1, 2)),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), [], ()),
    ],
)
def test_takes_what_fits(rule: Rule, value: object, expected: object) -> None:
    """A value within its bounds comes out as the configuration wants it."""
    taken = rule.take(value, "key")

    assert (expected, type(expected)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Whole(0, 10), -1),
        (Whole(0, 10), 11),
        (Whole(0, 10), True),
        (Whole(0, 10), 1.0),
        (Whole(0, 10), "1"),
        (Number(0.5, 2), 0.4),
        (Number(0.5, 2), float("nan")),
        (Number(0.5, 2), float("inf")),
        (Number(0.5, 2), 10**400),
        (Number(0, 2), True),
        (Number(0, 2), None),
        (Flag(), 1),
        (Flag(), "true"),
        (Text(3), "abcd"),
        (Text(3, 1), ""),
        (Text(9), "a\nb"),
        (Text(9), "\ud800"),
        (Text(9), 5),
        (Text(9, spaces=False), "a b"),
        (Text(9, spaces=False), "a/b"),
        (OneOf(("INFO",)), "LOUD"),
        (OneOf(("INFO",)), 20),
        (Url(), "ftp://example.org"),
        (Url(), "example.org"),
        (Url(), "http://"),
        (Url(), "http:///path"),
        (Url(), "http://user:password@example.org"),
        (Url(), "http://example.org:99999"),
        (Url(), "http://example.org:0"),
        (Url(), "http://[::1"),
        (Url(), "http://exa mple.org"),
        (Url(), "http://example.org/\r\nHost: x"),
        (Url(), LONG_URL + "x"),
        (Url(), 5),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), [1, 10]),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), [1, 1]),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), [1, 2, 3]),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), "12"),
        (ListOf(Whole(0, 9), 2, lambda each: each, "digits"), {"0": 1}),
    ],
)
def test_refuses_what_does_not_fit(rule: Rule, value: object) -> None:
    """A value of another type or beyond its bounds is refused, naming its key."""
    with pytest.raises(ValueError, match=r"^key"):
        rule.take(value, "key")


def test_a_refusal_says_what_it_should_be_and_what_it_is() -> None:
    """One sentence is enough to put it right."""
    with pytest.raises(ValueError) as caught:
        Whole(0, 65535).take("x", "api.port")

    assert "api.port should be a whole number from 0 to 65535, not 'x'" == str(caught.value)


def test_salvage_keeps_the_good_items_of_a_list() -> None:
    """One wrong item, one given twice and one too many are refused by themselves."""
    rule = ListOf(Whole(0, 9), 2, lambda each: each, "digits")

    taken, errors, good = rule.salvage([1, "x", 1, 2, 3], "digits")

    assert ((1, 2), [1, 2]) == (taken, good)
    assert [
        "digits[1] should be a whole number from 0 to 9, not 'x'",
        "digits[2] is there twice: 1",
        "digits should be a list of at most 2 digits, not 5",
    ] == [str(error) for error in errors]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 1000, "'" + "x" * (MAX_SHOWN - 2) + "…"),
        ({"password": "hunter2"}, "an object"),
        ([1, 2, 3], "a list"),
        ("a\nb", r"'a\nb'"),
        (None, "None"),
    ],
)
def test_a_wrong_value_is_shown_short_and_on_one_line(value: object, expected: str) -> None:
    """Never more than MAX_SHOWN characters, never the inside of a structure."""
    assert expected == shown(value)
