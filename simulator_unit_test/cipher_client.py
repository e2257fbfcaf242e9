"""A client of the encrypted door for tests, and the published scheme's printed example."""

import socket

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.encrypted_door import EncryptedDoor
from simulator.plant import VirtualPlant

NOON_S = 1_782_043_200
DAY_S = 86_400
KEY_REQUEST = bytes.fromhex("68680000 0006 F7 04 0AE7 0008")
PUBLIC = bytes(range(1, 17))
SESSION = bytes.fromhex("46706c7326362d3a5a7f653a354d6d55")
REQUEST = bytes.fromhex("0001 0000 0006 01 04 1387 0001")
WIRE_REQUEST = bytes.fromhex("01000c04 5eaafcf01a63e4f6425d892218976e31")
WIRE_ANSWER = bytes.fromhex("01000b05 a8269053f3d8aee9de26f6e9bef81aac")
PLAIN_ANSWER = bytes.fromhex("0001 0000 0005 01 04 02 2433")


class Client:
    """A client of the simplest kind: its own cipher, its own sockets, no patience."""

    def __init__(self, plant: VirtualPlant) -> None:
        host, port = plant.doors["encrypted"].split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.session = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def receive(self, size: int) -> bytes:
        """As many bytes as come before it closes, at most `size`."""
        got = b""
        while len(got) < size:
            chunk = self.socket.recv(size - len(got))
            if not chunk:
                break
            got += chunk
        return got

    def exchange(self) -> bytes:
        """Ask for the key and keep what follows from it."""
        self.socket.sendall(KEY_REQUEST)
        public = self.receive(25)[9:]
        self.session = bytes(a ^ b for a, b in zip(public, b"Grow#0*2Sun68CbE", strict=True))
        return public

    def send(self, frame: bytes) -> None:
        """Encipher and send."""
        padding = 16 - len(frame) % 16
        work = Cipher(algorithms.AES(self.session), modes.ECB()).encryptor()
        body = work.update(b"\x68\x68" + frame[2:] + b"\xff" * padding)
        self.socket.sendall(bytes((1, 0, len(frame), padding)) + body)

    def answer(self) -> bytes:
        """The frame within the next answer; nothing when the door hangs up."""
        head = self.receive(4)
        if len(head) < 4:
            return b""
        work = Cipher(algorithms.AES(self.session), modes.ECB()).decryptor()
        return work.update(self.receive(head[2] + head[3]))[: head[2]]

    def ask(self, frame: bytes) -> bytes:
        """Send and wait for the answer."""
        self.send(frame)
        return self.answer()


def door_of(plant: VirtualPlant) -> EncryptedDoor:
    """The door itself."""
    door = plant.door("encrypted")
    assert isinstance(door, EncryptedDoor)
    return door
