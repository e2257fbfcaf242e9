"""How a running box is met from outside: its TLS certificate, and its announcement by mDNS.

Puts adapters together as `app.py` does, for the part of it that other machines see; decides
nothing that the settings do not.
"""

from pathlib import Path

from server import __version__
from server.api.tls import TlsOffer
from server.errors import IdentityError
from server.host import addresses, interfaces, mdns, network
from server.identity.naming import three_words
from server.identity.served_certificate import OwnersFiles, ServedCertificate
from server.model.configuration import Configuration
from server.model.encryption import colons, is_offered
from server.model.exposure import is_alone
from server.ports import Clock


class Presence:
    """See the module's docstring. Built at the start, told the TLS port once it is known."""

    def __init__(self, data: Path, configuration: Configuration, serial: str, clock: Clock) -> None:
        self._api = configuration.api
        self._serial = serial
        self._advertiser: mdns.Advertiser | None = None
        self.certificate = certificate_of(data, configuration, serial, clock)
        """What the TLS door shows; None where there is no such door."""
        self.problem = ""
        """What was wrong with the certificate at the start, in words."""
        self.tls_port: int | None = None

    @property
    def missing(self) -> str:
        """Why there is no TLS door though one was wanted; "" where all is well."""
        return self.problem if self.certificate is None else ""

    @property
    def fingerprint(self) -> str:
        """The certificate's, as browsers show it; "" where nothing is served."""
        if self.certificate is None or not self.tls_port:
            return ""
        return colons(self.certificate.view.fingerprint)

    def offer(self) -> TlsOffer | None:
        """The TLS door, if it is wanted and there is a certificate for it."""
        served = self.certificate
        if served is None:
            return None
        try:
            self.problem = served.look()
        except IdentityError as error:
            self.problem, self.certificate = f"There is no TLS door: {error}", None
            return None
        return TlsOffer(
            self._api.tls_port,
            lambda: served.context,
            lambda: served.view,
            self._api.plain_http,
        )

    def advertise(self, name: str, host: str, port: int) -> None:
        """Tell the network where the page is, if it can be reached from there."""
        if is_alone(host) or not self._api.announce:
            return
        sign = mdns.Sign(
            name=name,
            host=local_name(self._serial).removesuffix(".local"),
            port=port,
            text={"version": __version__, "serial": self._serial, **self._told_of_tls()},
        )
        self._advertiser = mdns.Advertiser(sign, own_addresses)
        self._advertiser.start()

    def stop(self) -> None:
        """Say farewell. Idempotent."""
        if self._advertiser is not None:
            self._advertiser.stop()

    def _told_of_tls(self) -> dict[str, str]:
        """Port and the fingerprint of the key, which stays when the box renews its certificate."""
        if self.certificate is None or not self.tls_port:
            return {}
        told = {"tls": str(self.tls_port)}
        if not self.certificate.view.owners:
            told["key"] = self.certificate.view.key_fingerprint
        return told


def own_addresses() -> list[str]:
    """Where this machine is reached, but for itself."""
    return [each.ip for each in interfaces.read_interfaces() if each.ip]


def local_name(serial: str) -> str:
    """The box's own host name in multicast DNS."""
    return f"egret-{serial[-6:]}.local"


def certificate_of(
    data: Path, configuration: Configuration, serial: str, clock: Clock
) -> ServedCertificate | None:
    """What the TLS door shows; None where there is to be none. Reads nothing yet."""
    api = configuration.api
    if not is_offered(api.tls, api.host):
        return None
    owners = None
    if api.tls_certificate or api.tls_key:
        owners = OwnersFiles(Path(api.tls_certificate), Path(api.tls_key))

    def names() -> tuple[str, ...]:
        own = (local_name(serial), *network.own_names(), "localhost")
        return (*own, *addresses.own_addresses())

    return ServedCertificate(data, three_words(serial), names, clock, owners)
