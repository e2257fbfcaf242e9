"""The page of limits: what counts as a bound, what it is worth and why."""

import ast

import pytest

from docs.generate_limits import assignments, is_bound, shown

TEXT = '''
MAX_WAITING = 2 * 1024  # beside
# above
STOP_TIMEOUT_S: float = 8.0
FIRST_S = 1
CEILING_S = FIRST_S * 60
"""for both"""
WORDS = ("a", "b")
MAX_ON = True
'''


def test_values_and_reasons_are_read_from_the_source() -> None:
    """Arithmetic is worked out; a reason stands below, above or beside, and may be shared."""
    found = list(assignments(ast.parse(TEXT), TEXT.splitlines()))

    assert [
        ("MAX_WAITING", 2048, 2, "beside"),
        ("STOP_TIMEOUT_S", 8.0, 4, "above"),
        ("FIRST_S", 1, 5, "for both"),
        ("CEILING_S", 60, 6, "for both"),
    ] == found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MAX_LANES", True),
        ("BUFFER_MAX", True),
        ("STOP_TIMEOUT_S", True),
        ("PRUNE_SLICE_ROWS", True),
        ("_MAX_DEPTH", True),
        ("_COORDINATE_BYTES", False),
        ("MINUTE_MS", False),
        ("DEFAULT_PORT", False),
    ],
)
def test_a_bound_is_known_by_its_name(name: str, expected: bool) -> None:
    """Limits, times and sizes are bounds; conversions and widths of fields are not."""
    assert expected == is_bound(name)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAX_BODY_BYTES", 64 * 1024, "64 KiB"),
        ("MAX_ROW_BYTES", 1500, "1 500"),
        ("MAX_BUFFERED", 20_000, "20 000"),
        ("STOP_TIMEOUT_S", 8.0, "8"),
        ("BEAT_S", 0.25, "0.25"),
    ],
)
def test_values_are_shown_as_people_read_them(name: str, value: float, expected: str) -> None:
    """Whole kibibytes as such, thousands apart, no trailing zero."""
    assert expected == shown(name, value)
