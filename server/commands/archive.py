"""The file that a backup is: what is in it, how it is read back, and why it can be believed.

A zip archive, so that any computer can look into it. Its manifest names every member with its size
and SHA-256; a member that differs, is missing or is not named makes the whole archive unusable,
before anything of it is put anywhere. With a passphrase every member is encrypted: the key comes
from scrypt (RFC 7914), the cipher is ChaCha20-Poly1305 (RFC 8439), and the member's name and the
archive's own random id are authenticated with it, so that members cannot change places.
"""

import hashlib
import json
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from server.errors import Permanent

FORMAT = 1
"""Rises when an older version could not read a newer archive."""

MANIFEST = "manifest.json"

MAX_MANIFEST_BYTES = 256 * 1024
"""A manifest names a few dozen members in some 100 bytes each."""

MAX_MEMBERS = 200
"""Settings, key, pins, history, and the profiles that an owner wrote."""

MAX_SMALL_BYTES = 4 * 1024**2
"""Largest member that is held in memory; the history is none of those."""

MAX_HISTORY_BYTES = 64 * 1024**3
"""Largest history that is unpacked: sixteen times what a box keeps. A crafted archive of a few
kilobytes could otherwise fill the disk."""

MIN_PASSPHRASE = 12
"""Characters; whoever finds the file may try as long as he likes."""

CHUNK_BYTES = 1024**2
"""Encrypted and copied at a time, so that a history needs no memory of its own size."""

SCRYPT_COST = 2**15
"""With blocks of 8: 32 MB, and a tenth of a second on a laptop or half one on a Raspberry Pi."""

_SCRYPT_MEMORY_BYTES = 64 * 1024**2

_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""All that the library raises over a damaged file; it has no root of its own for it."""

_TAG_BYTES = 16
_NONCE_BYTES = 12


class ArchiveError(Permanent):
    """A backup that cannot be made or used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself."""

    version: str
    made_at_ms: int
    encrypted: bool
    members: Mapping[str, tuple[int, str]]
    """Name -> bytes and SHA-256 of the content, unencrypted."""


class Seal:
    """Encrypts and decrypts the members of one archive."""

    def __init__(self, passphrase: str, salt: bytes) -> None:
        key = hashlib.scrypt(
            passphrase.encode(),
            salt=salt,
            n=SCRYPT_COST,
            r=8,
            p=1,
            maxmem=_SCRYPT_MEMORY_BYTES,
            dklen=32,
        )
        self._cipher = ChaCha20Poly1305(key)
        self.salt = salt

    def lock(self, name: str, number: int, last: bool, chunk: bytes) -> bytes:
        """One chunk of a member."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, chunk, self._bound(name, number, last))

    def unlock(self, name: str, number: int, last: bool, chunk: bytes) -> bytes:
        """Raises ArchiveError for a wrong passphrase or a changed archive."""
        nonce, sealed = chunk[:_NONCE_BYTES], chunk[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, self._bound(name, number, last))
        except InvalidTag as error:
            raise ArchiveError(
                f"{name} cannot be decrypted: the passphrase is another one, or the file has been"
                " changed"
            ) from error

    def _bound(self, name: str, number: int, last: bool) -> bytes:
        return b"\0".join((self.salt, name.encode(), str(number).encode(), str(last).encode()))


_SEALED_CHUNK = _NONCE_BYTES + CHUNK_BYTES + _TAG_BYTES


class Writer:
    """Fills an archive, inside a `with`. Call `finish` last."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        if passphrase and len(passphrase) < MIN_PASSPHRASE:
            raise ArchiveError(f"the passphrase needs at least {MIN_PASSPHRASE} characters")
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._seal = Seal(passphrase, secrets.token_bytes(16)) if passphrase else None
        self._members: dict[str, tuple[int, str]] = {}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def add(self, name: str, content: IO[bytes]) -> None:
        """Add a member from the current place of `content` on."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            for number, last, chunk in _chunks(content, CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                sealed = self._seal.lock(name, number, last, chunk) if self._seal else chunk
                member.write(sealed)
        self._members[name] = (size, digest.hexdigest())

    def finish(self, version: str, made_at_ms: int) -> None:
        """Write the manifest."""
        told = {
            "format": FORMAT,
            "version": version,
            "made_at_ms": made_at_ms,
            "salt": self._seal.salt.hex() if self._seal else "",
            "members": {name: [*each] for name, each in self._members.items()},
        }
        self._zip.writestr(MANIFEST, json.dumps(told, indent=2))


class Reader:
    """Reads an archive that may come from anywhere, as long as its file is open."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        """Raises ArchiveError for what is no archive, is newer, or is encrypted otherwise."""
        try:
            self._zip = zipfile.ZipFile(file)
        except (*_DAMAGE, OSError) as error:
            raise ArchiveError("this is no backup of a gateway, or it was cut off") from error
        told = self._told()
        self.manifest = _manifest(told)
        self._check_names()
        self._seal = self._sealed(str(told.get("salt", "")), passphrase)

    def copy(self, name: str, to: IO[bytes]) -> None:
        """Write a member's content to `to`, checked. Raises ArchiveError, OSError."""
        size, wanted = self.manifest.members[name]
        digest, done = hashlib.sha256(), 0
        step = _SEALED_CHUNK if self._seal else CHUNK_BYTES
        try:
            with self._zip.open(name) as member:
                for number, last, chunk in _chunks(member, step):
                    plain = self._seal.unlock(name, number, last, chunk) if self._seal else chunk
                    done += len(plain)
                    if done > size:
                        break
                    digest.update(plain)
                    to.write(plain)
        except _DAMAGE as error:
            raise ArchiveError(f"{name} is damaged: {error}") from error
        if (done, digest.hexdigest()) != (size, wanted):
            raise ArchiveError(f"{name} is not what the backup says it is; take another backup")

    def _told(self) -> dict[str, Any]:
        try:
            if self._zip.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
                raise ArchiveError("the manifest of this backup is far too large")
            with self._zip.open(MANIFEST) as member:
                told = json.loads(member.read(MAX_MANIFEST_BYTES))
        except _DAMAGE as error:
            raise ArchiveError("this is no backup of a gateway: it has no manifest") from error
        if not isinstance(told, dict):
            raise ArchiveError("this is no backup of a gateway: its manifest is none")
        return told

    def _check_names(self) -> None:
        names = [name for name in self._zip.namelist() if name != MANIFEST]
        sizes = [size for size, _ in self.manifest.members.values()]
        if min(sizes, default=0) < 0 or max(sizes, default=0) > MAX_HISTORY_BYTES:
            raise ArchiveError("the backup names a file of a size that none has")
        if len(names) > MAX_MEMBERS or sorted(names) != sorted(self.manifest.members):
            raise ArchiveError("the backup holds other files than its manifest names")
        if {each.compress_type for each in self._zip.infolist()} - _COMPRESSIONS:
            raise ArchiveError("the backup is compressed in a way that no gateway uses")

    def _sealed(self, salt: str, passphrase: str) -> Seal | None:
        if not salt:
            return None
        if not passphrase:
            raise ArchiveError("this backup is encrypted: give its passphrase")
        try:
            return Seal(passphrase, bytes.fromhex(salt))
        except ValueError as error:
            raise ArchiveError("the manifest of this backup is damaged") from error


def _manifest(told: Mapping[str, Any]) -> Manifest:
    if told.get("format") != FORMAT:
        raise ArchiveError(
            f"this backup has format {told.get('format')!r}, and this version reads {FORMAT}:"
            " restore it with the version that made it, or a newer one"
        )
    try:
        members = {
            str(name): (int(size), str(digest)) for name, (size, digest) in told["members"].items()
        }
        return Manifest(
            str(told["version"]),
            int(told["made_at_ms"]),
            bool(told["salt"]),
            members,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveError("the manifest of this backup is damaged") from error


def _chunks(content: IO[bytes], size: int) -> Iterator[tuple[int, bool, bytes]]:
    """Number, whether it is the last, and bytes; at least one chunk, perhaps empty."""
    number, chunk = 0, content.read(size)
    while True:
        following = content.read(size) if len(chunk) == size else b""
        yield number, not following, chunk
        if not following:
            return
        number, chunk = number + 1, following


@contextmanager
def made(path: Path, force: bool) -> Iterator[IO[bytes]]:
    """A file that is at `path` whole or not at all, and for its owner's eyes alone."""
    if path.exists() and not force:
        raise ArchiveError(f"{path} is there already: choose another name, or add --force")
    temporary = path.with_name(path.name + ".partial")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
