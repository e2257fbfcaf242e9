"""The one table from errors to answers."""

import inspect

import msgspec
import pytest

from server import errors
from server.api.refusals import (
    KNOWN,
    BadRequest,
    NotFound,
    TooLarge,
    WrongMethod,
    reply_to,
    status_of,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest("x"), 400),
        (NotFound("x"), 404),
        (WrongMethod("x", ("GET",)), 405),
        (TooLarge("x"), 413),
        (PermissionError("x"), 403),
        (msgspec.ValidationError("x"), 400),
        (errors.SettingsError("x"), 400),
        (errors.RegisterRefused(2, "x"), 400),
        (errors.UnsupportedDevice("x"), 422),
        (errors.WrongDevice("x"), 409),
        (errors.ProtocolError("x"), 502),
        (errors.DeviceUnreachable("x"), 502),
        (errors.LinkClosed("x"), 502),
        (errors.DeviceTimeout("x"), 504),
        (errors.Overrun("x"), 504),
        (errors.StoreUnavailable("x"), 503),
        (errors.StoreFull("x"), 503),
        (errors.Busy("x"), 503),
    ],
)
def test_each_error_has_its_status(error: Exception, status: int) -> None:
    """The nearest listed class decides."""
    assert status == status_of(error)


def test_every_error_of_the_gateway_is_known() -> None:
    """No error that the engine may answer with ends as a fault of ours."""
    families = [
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.EgretError) and each is not errors.EgretError
    ]

    assert [] == [each.__name__ for each in families if not issubclass(each, KNOWN)]


def test_the_words_stand_where_either_era_looks() -> None:
    """`error`, `message` and `status` are always there."""
    body = reply_to(BadRequest("port: use 1 to 65535")).body

    assert isinstance(body, bytes)
    assert {
        "error": "port: use 1 to 65535",
        "message": "port: use 1 to 65535",
        "status": "bad request",
    } == msgspec.json.decode(body)


def test_an_error_without_words_is_named() -> None:
    """An empty answer would help nobody."""
    body = reply_to(errors.DeviceTimeout()).body

    assert isinstance(body, bytes)
    assert "DeviceTimeout" == msgspec.json.decode(body)["error"]


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (WrongMethod("x", ("GET", "POST")), (b"allow", b"GET, POST")),
        (TooLarge("x"), (b"connection", b"close")),
        (errors.Busy("x"), (b"retry-after", b"1")),
    ],
)
def test_some_answers_say_more_in_a_header(error: Exception, header: tuple[bytes, bytes]) -> None:
    """What HTTP asks for with these statuses is there."""
    assert header in reply_to(error).headers
