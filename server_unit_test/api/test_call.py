"""What handlers give back."""

import msgspec

from server.api.call import NOTHING, Call, answer, encode
from server.model.device import LinkState
from server_unit_test.api.fake_desk import ENGINE


def test_enums_are_words_and_numbers_stay_numbers() -> None:
    """JSON carries what a reader expects."""
    assert b'{"state":"online","count":3}' == encode({"state": LinkState.ONLINE, "count": 3})


def test_values_of_the_model_are_encoded_as_they_are() -> None:
    """A dataclass is an object of its fields."""
    assert 12 == msgspec.json.decode(encode(ENGINE))["queued"]


def test_an_answer_is_json_with_its_status() -> None:
    """200 unless said otherwise."""
    assert (200, b"[1]") == answer([1])[:2]
    assert 503 == answer([1], 503).status


def test_a_call_carries_no_headers_unless_given() -> None:
    """Few handlers look at them."""
    assert () == Call.__new__(Call, None, {}, NOTHING, NOTHING).headers
