"""A protected gateway in a process of its own, and those who ask it: programs, browsers, nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from server_rest_test.conftest import running

TIMEOUT_S = 20.0
PASSWORD = "a long enough password"
ACCESS = "EGRET_API_ACCESS"


class Asker:
    """One client with a cookie jar of its own, as a browser profile is."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One request; `body` goes as JSON."""
        return self.http.request(method, self.url + path, json=body, timeout=TIMEOUT_S, **more)

    def status(self, path: str = "/api/snapshot", method: str = "GET", body: Any = None) -> int:
        """Only how it was answered."""
        return self.call(method, path, body).status_code

    def claim(self, secret: str, password: str = PASSWORD, **more: Any) -> requests.Response:
        """Become the owner."""
        return self.call(
            "POST", "/api/entry/claim", {"secret": secret, "password": password, **more}
        )

    def log_in(self, password: str = PASSWORD) -> requests.Response:
        """Begin a session."""
        return self.call("POST", "/api/entry/login", {"password": password})

    def token(self, *scopes: str, name: str = "a program") -> dict[str, Any]:
        """A new token, as the owner is told."""
        response = self.call("POST", "/api/token", {"name": name, "scopes": scopes})
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told

    @property
    def cookie(self) -> str:
        """The session's, "" for none."""
        return self.http.cookies.get("egret_session") or ""


class Box:
    """One start of the gateway."""

    def __init__(self, url: str, data: Path, first: dict[str, Any]) -> None:
        self.url = url
        self.data = data
        self.first = first
        self._askers: list[Asker] = []

    @property
    def label(self) -> str:
        """The secret on its label."""
        return (self.data / "bluetooth_label").read_text().splitlines()[1]

    def asker(self, token: str = "") -> Asker:
        """Somebody new."""
        asker = Asker(self.url, token)
        self._askers.append(asker)
        return asker

    def owner(self) -> Asker:
        """Somebody who has claimed the box."""
        asker = self.asker()
        response = asker.claim(self.label)
        assert response.status_code == 200, response.text
        return asker

    def close(self) -> None:
        """Close every connection."""
        for asker in self._askers:
            asker.http.close()


@contextmanager
def started(data: Path, *options: str) -> Iterator[Box]:
    """A gateway over `data` that lets in whom its owner lets in."""
    words = ("server", "--data", str(data), "--port", "0", "--json", *options)
    with running(*words, environ={ACCESS: "protected"}) as first:
        box = Box(first["url"], data, first)
        try:
            yield box
        finally:
            box.close()
