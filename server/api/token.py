"""GET, POST and DELETE token: the programs that may enter, and what they may do."""

from collections.abc import Iterable
from typing import cast

import msgspec

from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest
from server.model.access import Scope, Token
from server.model.request import IssuedToken, MakeToken, RevokeToken


class TokenShown(msgspec.Struct, frozen=True):
    """One token without its secret.

    `revocable` is false for that of the box's own Bluetooth service, which lies in a file.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    made_at_ms: int
    revocable: bool


class Tokens(msgspec.Struct, frozen=True):
    """All tokens, the newest last."""

    tokens: tuple[TokenShown, ...]


class TokenWish(msgspec.Struct, frozen=True):
    """What the program is called, and what it may do: read, configure, control."""

    name: str
    scopes: frozenset[Scope]


class TokenMade(msgspec.Struct, frozen=True):
    """`token` is told now and never again: only its digest is kept."""

    token: str
    id: str
    name: str
    scopes: tuple[Scope, ...]
    made_at_ms: int

    def __repr__(self) -> str:
        """Without the token."""
        return f"TokenMade({self.id!r})"


class TokenChoice(msgspec.Struct, frozen=True):
    """A token by its id."""

    id: str = ""


class TokenRevoked(msgspec.Struct, frozen=True):
    """It enters no more."""

    status: str
    id: str


def show(call: Call[Nothing, Nothing]) -> Reply:
    """All of them."""
    return answer(Tokens(tuple(_shown(each) for each in call.context.desk.entry().tokens.values())))


async def make(call: Call[Nothing, TokenWish]) -> Reply:
    """One more."""
    wanted = MakeToken(call.body.name, call.body.scopes)
    issued = cast(IssuedToken, await ask(call.context.desk, wanted))
    token = issued.token
    return answer(
        TokenMade(
            issued.credential, token.token_id, token.name, _sorted(token.scopes), token.made_at_ms
        ),
        about=(token.token_id, token.name),
    )


async def revoke(call: Call[TokenChoice, TokenChoice]) -> Reply:
    """One less: the one that the body or the query names."""
    token_id = call.body.id or call.query.id
    known = call.context.desk.entry().tokens.get(token_id)
    if known is not None and known.standing:
        raise BadRequest(
            f"the token of the {known.name} lies in a file: remove the file and start the gateway"
            " again, and both get a new one"
        )
    await ask(call.context.desk, RevokeToken(token_id))
    return answer(TokenRevoked("ok", token_id), about=(token_id,))


def _shown(token: Token) -> TokenShown:
    return TokenShown(
        token.token_id, token.name, _sorted(token.scopes), token.made_at_ms, not token.standing
    )


def _sorted(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    return tuple(each for each in Scope if each in scopes)
