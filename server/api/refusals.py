"""How every error becomes an answer: one table, looked up along the class of the exception."""

import math
from http import HTTPStatus
from typing import Any

import msgspec

from server import errors
from server.api.call import Reply, answer


class Refused(Exception):
    """The API itself says no; `status` is the HTTP status, the text says what to do."""

    status = HTTPStatus.BAD_REQUEST


class BadRequest(Refused):
    """The request cannot be understood or asks for something impossible."""


class NotFound(Refused):
    """There is no such thing here."""

    status = HTTPStatus.NOT_FOUND


class WrongMethod(Refused):
    """The path is known, but not with this method; `allowed` names those it has."""

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, text: str, allowed: tuple[str, ...]) -> None:
        super().__init__(text)
        self.allowed = allowed


class Unauthorised(Refused):
    """Nobody knows who asks; `reason` is a word for programs."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class TooOften(Refused):
    """One client asks more than its share."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, text: str, wait_s: float) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class TooLarge(Refused):
    """The body exceeds its limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class WrongType(Refused):
    """The body is of a kind that is not taken here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Failed(Refused):
    """It could not be done, on a path where the contract knows 500 for that and nothing else."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class AnswerTimeout(Refused):
    """The gateway did not answer in time; what was asked may still happen."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class Gone(Exception):
    """The client went away before its request was complete: nobody is left to answer."""


STATUSES: dict[type[Exception], HTTPStatus] = {
    msgspec.MsgspecError: HTTPStatus.BAD_REQUEST,
    errors.SettingsError: HTTPStatus.BAD_REQUEST,
    errors.ProfileError: HTTPStatus.BAD_REQUEST,
    errors.UnsupportedDevice: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.WrongDevice: HTTPStatus.CONFLICT,
    errors.NotLetIn: HTTPStatus.UNAUTHORIZED,
    errors.TooManyTries: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Permanent: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RegisterRefused: HTTPStatus.BAD_REQUEST,
    errors.PeerFault: HTTPStatus.BAD_GATEWAY,
    errors.DeviceTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    errors.Overrun: HTTPStatus.GATEWAY_TIMEOUT,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreFull: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WifiUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WifiUnanswered: HTTPStatus.GATEWAY_TIMEOUT,
    errors.Retry: HTTPStatus.BAD_GATEWAY,
    PermissionError: HTTPStatus.FORBIDDEN,
}
"""A refused register is 400 because the address came from the caller, as the contract has it."""

KNOWN: tuple[type[Exception], ...] = (Refused, *STATUSES)
"""What is answered from the table; anything else is a bug of ours and ends as a 500."""

_CHALLENGE = (b"www-authenticate", b'Bearer realm="egret"')
"""RFC 6750 3: what a 401 says can be sent instead."""

_WORDS = {HTTPStatus.BAD_REQUEST: "bad request"}


def status_of(error: Exception) -> HTTPStatus:
    """The status that belongs to `error`, by the nearest of its classes that is listed."""
    if isinstance(error, Refused):
        return error.status
    for each in type(error).__mro__:
        if each in STATUSES:
            return STATUSES[each]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def refusal(status: HTTPStatus, text: str, schema: Any = None, reason: str = "") -> Reply:
    """The body of every error.

    `error` is the text; `status` and `message` repeat it the way earlier clients look for it,
    and a bad body is answered together with what would have been a good one. `reason`, where there
    is one, is a word for programs.
    """
    body = {"error": text, "status": _WORDS.get(status, "error"), "message": text}
    if reason:
        body["reason"] = reason
    if schema is not None and status == HTTPStatus.BAD_REQUEST:
        return answer({**body, "schema": schema}, status)
    return answer(body, status)


def reply_to(error: Exception, schema: Any = None) -> Reply:
    """The answer to an error."""
    ours = isinstance(error, (errors.EgretError, Refused))
    reason = str(getattr(error, "reason", "")) if ours else ""
    status = status_of(error)
    reply = refusal(status, str(error) or type(error).__name__, schema, reason)
    if status == HTTPStatus.UNAUTHORIZED:
        return reply._replace(headers=(*reply.headers, _CHALLENGE))
    if isinstance(error, (TooOften, errors.TooManyTries)):
        wait = (b"retry-after", b"%d" % max(1, math.ceil(error.wait_s)))
        return reply._replace(headers=(*reply.headers, wait))
    if isinstance(error, WrongMethod):
        allow = (b"allow", ", ".join(error.allowed).encode())
        return reply._replace(headers=(*reply.headers, allow))
    if isinstance(error, TooLarge):
        return reply._replace(headers=(*reply.headers, (b"connection", b"close")))
    if isinstance(error, errors.Busy):
        return reply._replace(headers=(*reply.headers, (b"retry-after", b"1")))
    return reply
