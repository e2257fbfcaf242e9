"""GET entry, POST entry/claim, entry/login, entry/logout, entry/password: who may enter.

A password goes in and never comes out. What comes out is the cookie of a session: a script of the
page cannot read it (HttpOnly), no other site makes the browser send it (SameSite=Strict).
"""

from typing import cast

import msgspec

from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.gate import COOKIE, SECURE_COOKIE
from server.model.access import Protection, Scope
from server.model.request import ChangePassword, ClaimBox, LoggedIn, LogIn, LogOut


class You(msgspec.Struct, frozen=True):
    """Who asks, and what he may do."""

    name: str
    scopes: tuple[Scope, ...]
    owner: bool


class Entry(msgspec.Struct, frozen=True):
    """Whether the box has an owner, and whom it lets in.

    `exposed`: it is open to everybody on a network.
    """

    claimed: bool
    access: Protection
    exposed: bool
    you: You


class ClaimWords(msgspec.Struct, frozen=True):
    """What only who stands beside the box can know, and the password that the owner wants.

    `secret`: the text on its label, what a phone reads in the label's code, or the code that an
    unclaimed box printed when it started. Programs lose their tokens unless `keep_tokens`.
    """

    secret: str
    password: str
    keep_tokens: bool = False

    def __repr__(self) -> str:
        """Without the secrets."""
        return "ClaimWords(...)"


class LoginWords(msgspec.Struct, frozen=True):
    """The owner's password."""

    password: str

    def __repr__(self) -> str:
        """Without it."""
        return "LoginWords(...)"


class PasswordWords(msgspec.Struct, frozen=True):
    """The password as it is and as it shall be."""

    old: str
    new: str

    def __repr__(self) -> str:
        """Without either."""
        return "PasswordWords(...)"


class Entered(msgspec.Struct, frozen=True):
    """Done; a session, where one begins, is in the cookie and nowhere else."""

    status: str


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The same for everybody but `you`."""
    exposure, caller = call.context.services.exposure, call.asker.caller
    return answer(
        Entry(
            claimed=call.context.desk.entry().claimed,
            access=exposure.protection,
            exposed=exposure.exposed,
            you=You(caller.name, tuple(sorted(caller.scopes)), caller.owner),
        )
    )


async def claim(call: Call[Nothing, ClaimWords]) -> Reply:
    """Become the owner."""
    body = call.body
    wanted = ClaimBox(body.secret, body.password, call.asker.source, body.keep_tokens)
    return _entered(call.asker.secure, await ask(call.context.desk, wanted))


async def log_in(call: Call[Nothing, LoginWords]) -> Reply:
    """Begin a session."""
    wanted = LogIn(call.body.password, call.asker.source)
    return _entered(call.asker.secure, await ask(call.context.desk, wanted))


async def log_out(call: Call[Nothing, Nothing]) -> Reply:
    """End the session; the browser forgets its cookie as well."""
    if call.asker.session:
        await ask(call.context.desk, LogOut(call.asker.session))
    reply = answer(Entered("ok"))
    return reply._replace(headers=(*reply.headers, _cookie("", 0, call.asker.secure)))


async def change_password(call: Call[Nothing, PasswordWords]) -> Reply:
    """Another password."""
    wanted = ChangePassword(call.body.old, call.body.new, call.asker.source)
    return _entered(call.asker.secure, await ask(call.context.desk, wanted))


def _entered(secure: bool, told: object) -> Reply:
    begun = cast(LoggedIn, told)
    reply = answer(Entered("ok"))
    cookie = _cookie(begun.session, int(begun.lasts_s), secure)
    return reply._replace(headers=(*reply.headers, cookie))


def _cookie(value: str, lasts_s: int, secure: bool) -> tuple[bytes, bytes]:
    name, more = (SECURE_COOKIE, "; Secure") if secure else (COOKIE, "")
    text = f"{name}={value}; Max-Age={lasts_s}; Path=/; HttpOnly; SameSite=Strict{more}"
    return b"set-cookie", text.encode("ascii")
