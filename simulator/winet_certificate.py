"""The dongle's self-signed certificate: made at the first need, kept, and made anew on command.

With a folder it is kept there and outlives the process, as it outlives a dongle's restart; without
one it lives as long as the plant, in memory alone. A client that has pinned it can so be shown both
the same and another one.
"""

import os
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FILE_NAME = "winet.pem"

_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_UNTIL = datetime(2050, 1, 1, tzinfo=UTC)


class Certificate:
    """Key and certificate of one dongle, and the TLS context that shows them."""

    def __init__(self, common_name: str, folder: Path | None = None) -> None:
        self._common_name = common_name
        self._folder = folder
        self._pem = b""
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """What a listener needs; the same one always, so that a new certificate reaches it."""
        if self._context is None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            # A dongle remembers nobody. Tickets also arrive while a client already sends, and
            # clients that read in one thread and write in another (websockets.sync) hang then.
            self._context.num_tickets = 0
            kept = self._kept()
            try:
                self._show(self._made() if kept is None else kept)
            except (ssl.SSLError, ValueError) as error:
                self._context = None
                raise ValueError(
                    f"{self._folder}/{FILE_NAME} holds no key with its certificate; "
                    f"remove it, and another one is made ({error})"
                ) from None
        return self._context

    def regenerate(self) -> str:
        """Make another one, shown from the next handshake on; returns its fingerprint."""
        self.context()
        self._show(self._made())
        return self.fingerprint()

    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in lower-case hex."""
        self.context()
        return x509.load_pem_x509_certificate(self._pem).fingerprint(hashes.SHA256()).hex()

    def _show(self, pem: bytes) -> None:
        """Load it into the context, which reads from files only: one that is in memory alone."""
        assert self._context is not None
        memory = os.memfd_create(FILE_NAME)
        try:
            os.write(memory, pem)
            self._context.load_cert_chain(f"/proc/self/fd/{memory}")
        finally:
            os.close(memory)
        self._pem = pem[pem.index(b"-----BEGIN CERTIFICATE") :]

    def _kept(self) -> bytes | None:
        if self._folder is None:
            return None
        path = self._folder / FILE_NAME
        return path.read_bytes() if path.is_file() else None

    def _made(self) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._common_name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_VALID_FROM)
            .not_valid_after(_VALID_UNTIL)
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ) + certificate.public_bytes(serialization.Encoding.PEM)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / FILE_NAME
            path.touch(mode=0o600)
            path.write_bytes(pem)
        return pem
