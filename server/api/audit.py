"""GET audit and audit/export: who changed what; and how an answered request becomes an entry.

`entry_of` is the one place that decides what is kept: every request that changes or controls
something, is for the owner alone, or is about entering, however it was answered; and what is turned
away before anybody knows what it wants. It sees no body and no header.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from server.api.asking import ask
from server.api.auth import SAFE_METHODS
from server.api.call import NO_PAGE, Access, Asker, Call, Context, Nothing, Reply, Route, answer
from server.api.rate import source_of
from server.api.refusals import BadRequest
from server.model.access import Caller
from server.model.audit import (
    MAX_ABOUT,
    MAX_AUDIT_PAGE,
    AuditEntry,
    AuditRange,
    Door,
    cut,
)
from server.model.reading import ClockQuality
from server.model.request import ExportAudit, QueryAudit

EXPORT_TYPE = "application/x-ndjson"
_EXPORT_HEADERS = (
    (b"content-type", EXPORT_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"content-disposition", b'attachment; filename="egret-audit.jsonl"'),
    *NO_PAGE,
)
_CHANGING = frozenset((Access.CHANGE, Access.CONTROL, Access.OWNER))
_ENTERING = "/api/entry/"
_REPORTS = frozenset(("/api/bluetooth/state",))
"""What our own service tells every few seconds: no change that anybody made."""


class AuditQuery(msgspec.Struct, frozen=True):
    """The newest `limit` entries below number `before`; 0 asks for the newest of all.

    `refused`: instead of what was done, what was turned away.
    """

    before: int = 0
    limit: int = 100
    refused: bool = False


class AuditLine(msgspec.Struct, frozen=True):
    """One request. `at_ms` is UTC, trusted as `clock` says; `source` an address.

    `door` is http, https, bluetooth or inside; `status` the HTTP status of the answer; `about`
    names settings and ids, never values; `more` like it, since the one before, could not be kept.
    """

    number: int
    at_ms: int
    clock: ClockQuality
    who: str
    source: str
    door: Door
    method: str
    path: str
    status: int
    about: tuple[str, ...]
    more: int


class Audit(msgspec.Struct, frozen=True):
    """The newest first. `next` is the `before` of the page that follows, 0 if there is none."""

    entries: tuple[AuditLine, ...]
    next: int


async def show(call: Call[AuditQuery, Nothing]) -> Reply:
    """One page."""
    query = call.query
    if not 1 <= query.limit <= MAX_AUDIT_PAGE:
        raise BadRequest(f"limit: from 1 to {MAX_AUDIT_PAGE}")
    if query.before < 0:
        raise BadRequest("before: a number of an entry, or 0 for the newest")
    wanted = QueryAudit(AuditRange(query.before, query.limit, query.refused))
    found = cast(tuple[AuditEntry, ...], await ask(call.context.desk, wanted))
    following = found[-1].number if len(found) == query.limit else 0
    return answer(Audit(tuple(_line(each) for each in found), following))


async def export(call: Call[Nothing, Nothing]) -> Reply:
    """Everything, as a file with one JSON object a line."""
    content = cast(bytes, await ask(call.context.desk, ExportAudit()))
    return Reply(200, content, _EXPORT_HEADERS)


def entry_of(
    route: Route | None,
    scope: Mapping[str, Any],
    asker: Asker | None,
    reply: Reply,
    caller: Caller,
    context: Context,
) -> AuditEntry | None:
    """What is kept of an answered request; None for what changes nothing.

    `route` is None where none was found, `asker` where nobody was let in; `caller` is who sent it.
    """
    if scope["method"] in SAFE_METHODS or not _is_kept(route, reply):
        return None
    clock = context.services.clock
    client = scope.get("client")
    source = asker.source if asker else source_of(client[0]) if client else ""
    return AuditEntry(
        at_ms=clock.utc_ms(),
        clock=clock.quality(),
        who=cut(caller.name),
        source=cut(source),
        door=_door(scope, caller, context),
        method=cut(scope["method"]),
        path=cut(scope["path"]),
        status=int(reply.status),
        about=tuple(cut(each) for each in reply.about[:MAX_ABOUT]),
    )


def _is_kept(route: Route | None, reply: Reply) -> bool:
    if route is None:
        return reply.status == 403  # By another web site, or under a foreign name.
    if route.path in _REPORTS:
        return False
    return route.access in _CHANGING or route.path.startswith(_ENTERING)


def _door(scope: Mapping[str, Any], caller: Caller, context: Context) -> Door:
    standing = (each.name for each in context.desk.entry().tokens.values() if each.standing)
    if caller.name in standing and not caller.owner:
        return Door.BLUETOOTH
    return Door.HTTPS if scope["scheme"] == "https" else Door.HTTP


def _line(entry: AuditEntry) -> AuditLine:
    return AuditLine(
        number=entry.number,
        at_ms=entry.at_ms,
        clock=entry.clock,
        who=entry.who,
        source=entry.source,
        door=entry.door,
        method=entry.method,
        path=entry.path,
        status=entry.status,
        about=entry.about,
        more=entry.more,
    )
