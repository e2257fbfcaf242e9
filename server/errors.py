"""What can go wrong, sorted by what to do next.

Three families and no others: `Retry` (try again later), `PeerFault` (the other side broke its
own rules; the evidence is kept) and `Permanent` (a person has to change something). The class
is the decision; nobody parses messages.
"""


class EgretError(Exception):
    """The root of everything that this program raises on purpose."""


class Retry(EgretError):
    """It may work later; the link or sink machine decides when."""


class PeerFault(EgretError):
    """The other side answered against its own rules; the text keeps the evidence as hex."""


class Permanent(EgretError):
    """Waiting will not help; the text says what a person has to change."""


class DeviceUnreachable(Retry):
    """No connection: refused, no route, name not found, or closed by the device."""


class DeviceTimeout(Retry):
    """The connection stands, but no answer came within its time."""


class LinkClosed(Retry):
    """The device closed the connection instead of answering: possibly a refusal in disguise."""


class ProtocolError(PeerFault):
    """A frame that breaks the protocol: wrong length, function, unit or transaction."""

    def __init__(self, text: str, frame: bytes = b"") -> None:
        super().__init__(text, frame)
        self.text = text
        self.frame = frame

    def __str__(self) -> str:
        return f"{self.text} [{self.frame.hex(' ')}]" if self.frame else self.text


class RegisterRefused(PeerFault):
    """The device answered a request with a Modbus exception.

    `code` is the Modbus exception code (1 illegal function, 2 illegal data address,
    3 illegal data value, 4 server device failure, 6 server device busy, ...).
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return self.text


class UnsupportedDevice(Permanent):
    """Something answered, but nothing that any profile can verify."""


class WrongDevice(Permanent):
    """Another device answers at this address than the one configured (its serial differs)."""


class SettingsError(Permanent):
    """A setting that cannot be used; the text names its key and what it should be."""


class IdentityError(Permanent):
    """The key that makes this box itself can be neither read nor made; nothing is pretended."""


class ProfileError(Permanent):
    """A profile that cannot be used; the text names file, line and key."""


class SinkUnavailable(Retry):
    """The endpoint's fault (timeout, DNS, TLS, 401/403/404/408/425/429, 5xx): retry for ever.

    `retry_after_s` is what the endpoint asked for, if it did; `turned_away` is True when it
    answered and wants something else of us (401, 403, 404, a redirect, ...).
    """

    def __init__(
        self, text: str, retry_after_s: float | None = None, turned_away: bool = False
    ) -> None:
        super().__init__(text, retry_after_s, turned_away)
        self.text = text
        self.retry_after_s = retry_after_s
        self.turned_away = turned_away

    def __str__(self) -> str:
        return self.text


class SignerUnavailable(Retry):
    """What holds the key does not answer now; whatever is to be signed waits."""


class BatchTooLarge(Retry):
    """The endpoint answered 413: the same records in smaller batches may pass."""


class RecordsRefused(PeerFault):
    """The endpoint answered 400 or 422: one of the records may be to blame."""


class StoreUnavailable(Retry):
    """The database cannot take this now (locked, input/output error)."""


class StoreFull(Retry):
    """No space is left for a commit; pruning or a person must make room."""


class Overrun(Retry):
    """The call exceeded its budget and was broken off: whether it took effect is unknown."""


class Busy(Retry):
    """A bounded queue is full; the caller may come back (503 over HTTP)."""


class NotLetIn(Permanent):
    """A password or claim secret that is wrong; `reason` is a word for programs."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text

    def __str__(self) -> str:
        return self.text


class TooManyTries(Retry):
    """Too many wrong passwords: the next try has to wait `wait_s` seconds."""

    reason = "wait"

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s

    def __str__(self) -> str:
        return f"too many wrong tries: wait {max(1, round(self.wait_s))} s before the next"


class WifiUnavailable(Retry):
    """No message bus, no NetworkManager, no adapter, or one that is switched off."""

    reason = "unavailable"


class WifiUnanswered(Retry):
    """A network was asked and did not do its part in time; `reason` is a word of `model.wifi`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text

    def __str__(self) -> str:
        return self.text


class WifiRefused(Permanent):
    """A network that cannot be joined like this; `reason` is a word of `model.wifi`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text

    def __str__(self) -> str:
        return self.text
