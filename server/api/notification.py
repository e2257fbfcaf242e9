"""GET and DELETE notification: what the box tells its owner."""

from typing import cast

import msgspec

from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import NotFound
from server.model.notice import Notice
from server.model.request import DismissNotice


class NotificationIds(msgspec.Struct, frozen=True):
    """The ids of all notices, the newest last."""

    ids: tuple[int, ...]


class Notification(msgspec.Struct, frozen=True):
    """One notice; `timestamp` is in seconds, `count` says how often it was raised."""

    message: str
    type: str
    timestamp: int
    id: int
    count: int
    device: str


class NotificationId(msgspec.Struct, frozen=True):
    """The id of the notice that was removed."""

    id: int


def show_ids(call: Call[Nothing, Nothing]) -> Reply:
    """The ids."""
    return answer(NotificationIds(tuple(each.notice_id for each in call.snapshot.notices)))


def show(call: Call[Nothing, Nothing]) -> Reply:
    """One notice."""
    wanted = _id(call)
    for each in call.snapshot.notices:
        if each.notice_id == wanted:
            return answer(notification(each))
    raise NotFound(f"there is no notification {wanted}")


async def dismiss(call: Call[Nothing, Nothing]) -> Reply:
    """Remove one notice."""
    notice = cast(Notice, await ask(call.context.desk, DismissNotice(_id(call))))
    return answer(NotificationId(notice.notice_id))


def notification(notice: Notice) -> Notification:
    """A notice in the words of the contract."""
    return Notification(
        message=notice.text,
        type=notice.level,
        timestamp=notice.last_at_ms // 1000,
        id=notice.notice_id,
        count=notice.count,
        device=notice.device,
    )


def _id(call: Call[Nothing, Nothing]) -> int:
    text = call.path["id"]
    if not text.isdecimal() or len(text) > 18:
        raise NotFound(f"there is no notification {text[:40]!r}; ids are numbers")
    return int(text)
