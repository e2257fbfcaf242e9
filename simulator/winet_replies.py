"""The shape of everything that the dongle answers, and the numbers that say how it went."""

from typing import Any

Reply = dict[str, Any]

OK = 1
NOTICE = 100
TOKEN_INVALID = 106
LOCKED = 114
READ_FAILED = 301
SET_FAILED = 391

LOGIN_FAILED = 109
"""A wrong password. The vendor's own number is not known; clients take any but 1 for a failure."""

MESSAGES: dict[int, str] = {
    OK: "success",
    TOKEN_INVALID: "I18N_COMMON_TOKEN_INVALID",
    LOGIN_FAILED: "I18N_COMMON_LOGIN_FAILED",
    LOCKED: "I18N_COMMON_ACCOUNT_LOCKED",
    READ_FAILED: "I18N_COMMON_READ_FAILED",
    SET_FAILED: "I18N_COMMON_SET_FAILED",
}


def success(service: str = "", **data: Any) -> Reply:
    """All went well; the service is named where it came by the websocket."""
    return {"result_code": OK, "result_msg": MESSAGES[OK], "result_data": _named(service, data)}


def listed(service: str, items: list[Any], **more: Any) -> Reply:
    """A list and its length."""
    return success(service, list=items, count=len(items), **more)


def failure(code: int, service: str = "") -> Reply:
    """It did not go well."""
    return {"result_code": code, "result_msg": MESSAGES[code], "result_data": _named(service, {})}


def notice(words: str) -> Reply:
    """What the dongle says unasked: that the session has ended, and why."""
    return {"result_code": NOTICE, "result_msg": words, "result_data": {"service": "notice"}}


def _named(service: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"service": service, **data} if service else data
