"""EGWTTP conversations: one per client. See bluetooth.egwttp for what stands in the bytes.

Owns what happens between a write and the pages of its answer; knows no radio and no window.

- A request is executed once. Its answer is kept as it was, and pages (`Offset` above 0) are cut
  from that: they never belong to different moments. An answer that is no longer kept is 410.
- Requests of one client are executed in the order in which they came, one at a time, and each is
  answered by a notification that names its method and path. So did earlier gateways, and apps
  that do not wait for their answers exist. More than MAX_PENDING at once are answered 503.
- The request that came last, written once more while it is waiting or under way, is that request.
- A POST or DELETE written once more within REPEAT_S of its answer gets that answer again: a phone
  that lost an answer may ask until it has it. A GET written once more is a new one, and so is
  everything that did not reach the gateway (502).
- A request that pauses for longer than SILENCE_S is given up, with 408.
- What waits is begun only while it is still allowed: `withdraw` refuses the rest.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus

from bluetooth import paths
from bluetooth.egwttp import (
    GREETING,
    PAGE_BYTES,
    Assembler,
    Request,
    Response,
    Unacceptable,
    refusal,
)
from bluetooth.errors import GatewayAway, GatewaySlow
from bluetooth.paths import Access, Rule
from bluetooth.ports import Clock, Gateway, Spawn, Wait

MAX_CLIENTS = 8
"""Conversations; the one that was silent longest makes room. The door lets one in at a time, and
`left` may come late."""
MAX_PENDING = 4
"""Requests of one client, waiting or under way; an app asks three things when it connects."""
MAX_SNAPSHOTS = 4
"""Answers kept for one client: it pages through one, and has others behind it."""
MAX_SNAPSHOT_BYTES = 512 * 1024
"""Of one client's kept answers; the newest is kept whatever its size, which the gateway bounds."""
SNAPSHOT_AGE_S = 60.0
"""Seconds since its last page for which an answer is kept; a page takes a tenth of a second."""
REPEAT_S = 2.0
"""Seconds after its answer in which the same POST or DELETE is taken for the same one: longer than
a phone's retry of a write, shorter than a person's second thought."""
SILENCE_S = 3.0
"""Seconds between two pieces of a request; the slowest connection interval is 4 s, but such a link
sends many pieces in each, and apps ask for 7.5 to 50 ms."""
REQUEST_TIMEOUT_S = 60.0
"""Seconds for all pieces of a request: 64 kB in pieces of 20 bytes need 50 s."""

Judge = Callable[[str, Request, Rule | None], str]
"""Asked on the event loop with client, request and its row (None: not on the list), for each
request and each page, and once more when a request that waited is begun: why it is refused, in
words, or "" to let it pass. A request that is not on the list is refused whatever it says."""

Send = Callable[[str, bytes], None]
"""Sends a page to a client (notification or session record). Must not block or raise."""

Key = tuple[str, str, bytes]
"""Which answer: method, path and the digest of the body. The body itself may hold a password."""


@dataclass(slots=True)
class _Snapshot:
    response: Response
    answered_at: float
    used_at: float


@dataclass(slots=True)
class _Conversation:
    """What is kept for one client."""

    client: str
    page: bytes = GREETING
    assembler: Assembler = field(default_factory=Assembler)
    begun_at: float = 0.0
    piece_at: float = 0.0
    pending: deque[tuple[Request, Rule]] = field(default_factory=deque)  # bounded by MAX_PENDING
    snapshots: OrderedDict[Key, _Snapshot] = field(default_factory=OrderedDict)
    is_working: bool = False
    is_asking: bool = False
    """Whether the gateway is being asked for the first of `pending`."""
    has_left: bool = False


class Exchange:
    """All conversations of one channel (plain, or inside sessions). On the event loop only."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        judge: Judge,
        send: Send,
        page_bytes: int = PAGE_BYTES,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._spawn = spawn
        self._wait = wait
        self._judge = judge
        self._send = send
        self._page_bytes = page_bytes
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        self._is_watching = False

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return any(talk.pending for talk in self._conversations.values())

    def write(self, client: str, value: bytes) -> None:
        """A client wrote to the request characteristic. Never raises: errors are answers."""
        talk = self._conversation(client)
        now = self._clock.monotonic()
        if not talk.assembler.waits:
            talk.begun_at = now
        talk.piece_at = now
        try:
            request = talk.assembler.feed(value)
        except Unacceptable as error:
            self._answer(talk, error.response())
            request = None
        if request is not None:
            self._take(talk, request)
        if talk.assembler.waits and not self._is_watching:
            self._is_watching = True
            self._spawn(self._watch())

    def read(self, client: str) -> bytes:
        """The newest page for this client, `102 Processing` while its request is under way, and
        the greeting before its first."""
        talk = self._conversations.get(client)
        if talk is None:
            return GREETING
        if talk.pending:
            request, _ = talk.pending[-1]
            return Response(HTTPStatus.PROCESSING, "", request.path, request.method, b"").page()
        return talk.page

    def left(self, client: str) -> None:
        """Forget the client; what the gateway does for it at this moment ends unheard."""
        talk = self._conversations.pop(client, None)
        if talk is not None:
            talk.has_left = True
            talk.assembler.reset()
            talk.pending.clear()
            talk.snapshots.clear()

    def withdraw(self, allowed: frozenset[Access], words: str) -> None:
        """From now on only `allowed` may be begun: what waits for its turn beyond that is refused
        in `words`. What the gateway is being asked goes on."""
        for talk in self._conversations.values():
            waiting = list(talk.pending)
            begun = waiting[:1] if talk.is_asking else []
            refused = [each for each in waiting[len(begun) :] if each[1].access not in allowed]
            talk.pending.clear()
            talk.pending.extend(each for each in waiting if each not in refused)
            for request, _ in refused:
                self._refuse(talk, request, HTTPStatus.FORBIDDEN, words)

    def close(self) -> None:
        """Forget all."""
        for client in list(self._conversations):
            self.left(client)

    def _conversation(self, client: str) -> _Conversation:
        talk = self._conversations.get(client)
        if talk is None:
            if len(self._conversations) >= MAX_CLIENTS:
                self.left(next(iter(self._conversations)))
            talk = self._conversations[client] = _Conversation(client)
        self._conversations.move_to_end(client)
        return talk

    async def _watch(self) -> None:
        """Give unfinished requests up when their clients pause. One for all clients: those that
        come and go in haste must not leave a watcher each."""
        try:
            while waiting := [
                each for each in self._conversations.values() if each.assembler.waits
            ]:
                talk = min(waiting, key=_due_at)
                left_s = _due_at(talk) - self._clock.monotonic()
                if left_s > 0:
                    await self._wait(left_s)
                elif (error := talk.assembler.overdue()) is not None:
                    self._answer(talk, error.response())
        finally:
            self._is_watching = False

    def _take(self, talk: _Conversation, request: Request) -> None:
        rule = paths.find(request.method, request.path)
        words = self._judge(talk.client, request, rule)
        if rule is None:
            words = words or "this is not offered over Bluetooth; use the box's page"
        if words or rule is None:
            self._refuse(talk, request, HTTPStatus.FORBIDDEN, words)
        elif request.offset > 0:
            self._turn_page(talk, request)
        else:
            self._begin(talk, request, rule)

    def _turn_page(self, talk: _Conversation, request: Request) -> None:
        snapshot = self._kept(talk, request)
        if snapshot is None:
            words = "this answer is no longer kept; ask again with Offset 0"
            self._refuse(talk, request, HTTPStatus.GONE, words)
        else:
            self._answer(talk, snapshot.response, request.offset)

    def _begin(self, talk: _Conversation, request: Request, rule: Rule) -> None:
        if talk.pending and talk.pending[-1][0].is_same(request):
            return
        if not talk.pending and request.method != "GET":
            snapshot = self._kept(talk, request)
            if snapshot is not None and self._is_repeatable(snapshot):
                self._answer(talk, snapshot.response)
                return
        if len(talk.pending) >= MAX_PENDING:
            words = f"{MAX_PENDING} requests are waiting already; wait for their answers"
            self._refuse(talk, request, HTTPStatus.SERVICE_UNAVAILABLE, words)
            return
        talk.pending.append((request, rule))
        if not talk.is_working:
            talk.is_working = True
            self._spawn(self._work(talk))

    def _is_repeatable(self, snapshot: _Snapshot) -> bool:
        is_recent = self._clock.monotonic() - snapshot.answered_at <= REPEAT_S
        return is_recent and snapshot.response.status != HTTPStatus.BAD_GATEWAY

    async def _work(self, talk: _Conversation) -> None:
        """Execute what is pending, in order; what waited only if it is allowed still."""
        has_waited = False
        try:
            while talk.pending:
                request, rule = talk.pending[0]
                if has_waited and (words := self._judge(talk.client, request, rule)):
                    talk.pending.popleft()
                    self._refuse(talk, request, HTTPStatus.FORBIDDEN, words)
                    continue
                has_waited = talk.is_asking = True
                response = await self._execute(request, rule)
                talk.is_asking = False
                if talk.has_left:
                    return
                talk.pending.popleft()
                self._keep(talk, request, response)
                self._answer(talk, response)
        except BaseException:
            talk.pending.clear()  # Whatever it was: the next request must not repeat these.
            raise
        finally:
            talk.is_working = talk.is_asking = False

    async def _execute(self, request: Request, rule: Rule) -> Response:
        method, path = request.method, request.path
        try:
            answer = await self._gateway.ask(method, path, request.body, rule.timeout_s)
        except GatewaySlow as error:
            return refusal(HTTPStatus.GATEWAY_TIMEOUT, str(error), path, method)
        except GatewayAway as error:
            return refusal(HTTPStatus.BAD_GATEWAY, str(error), path, method)
        except ValueError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error), path, method)
        return Response(answer.status, answer.reason, path, method, answer.body)

    def _keep(self, talk: _Conversation, request: Request, response: Response) -> None:
        now = self._clock.monotonic()
        key = _key(request)
        talk.snapshots.pop(key, None)
        talk.snapshots[key] = _Snapshot(response, now, now)
        while len(talk.snapshots) > 1 and (
            len(talk.snapshots) > MAX_SNAPSHOTS
            or sum(len(each.response.body) for each in talk.snapshots.values()) > MAX_SNAPSHOT_BYTES
        ):
            talk.snapshots.popitem(last=False)

    def _kept(self, talk: _Conversation, request: Request) -> _Snapshot | None:
        now = self._clock.monotonic()
        for key, each in list(talk.snapshots.items()):
            if now - each.used_at > SNAPSHOT_AGE_S:
                del talk.snapshots[key]
        snapshot = talk.snapshots.get(_key(request))
        if snapshot is not None:
            snapshot.used_at = now
            talk.snapshots.move_to_end(_key(request))
        return snapshot

    def _refuse(self, talk: _Conversation, request: Request, status: int, words: str) -> None:
        self._answer(talk, refusal(status, words, request.path, request.method))

    def _answer(self, talk: _Conversation, response: Response, offset: int = 0) -> None:
        try:
            talk.page = response.page(offset, self._page_bytes)
        except Unacceptable as error:
            talk.page = error.response().page()
        if not talk.has_left:
            self._send(talk.client, talk.page)


def _due_at(talk: _Conversation) -> float:
    """When the rest of what this client has begun to send must have come."""
    return min(talk.piece_at + SILENCE_S, talk.begun_at + REQUEST_TIMEOUT_S)


def _key(request: Request) -> Key:
    return request.method, request.path, sha256(request.body).digest()
