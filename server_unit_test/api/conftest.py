"""One real web server for all tests of handlers, with a desk that begins anew for each."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from server.api.gate import COOKIE
from server.api.server import ApiServer
from server.api.services import Services
from server_unit_test.api.fake_desk import OWNERS_SESSION, FakeDesk
from server_unit_test.api.fake_services import FakeSigner, fake_services
from server_unit_test.contracts.fake_clock import FakeClock

CLIENT_TIMEOUT_S = 10


class Api:
    """A client of one server, and what stands behind that server."""

    def __init__(self, services: Services) -> None:
        assert isinstance(services.clock, FakeClock)
        assert isinstance(services.signer, FakeSigner)
        self.clock = services.clock
        self.signer = services.signer
        self.desk = FakeDesk()
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = ApiServer(self.desk, services, "127.0.0.1", 0)
        self.host, self.port = self._server.start()
        self.url = f"http://{self.host}:{self.port}"

    def call(
        self, method: str, path: str, body: Any = None, *, owner: bool = False, **more: Any
    ) -> requests.Response:
        """One request; `body` goes as JSON, and `owner` sends the cookie of his session."""
        more.setdefault("timeout", CLIENT_TIMEOUT_S)
        if owner:
            more["headers"] = {**more.get("headers", {}), "Cookie": f"{COOKIE}={OWNERS_SESSION}"}
        self._session.cookies.clear()  # A program that keeps none.
        return self._session.request(method, self.url + path, json=body, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        """A GET."""
        return self.call("GET", path, **more)

    def json(self, path: str) -> Any:
        """The answer of a GET that must succeed."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    @property
    def connections(self) -> int:
        """How many the server holds open."""
        assert self._server._server is not None
        return len(self._server._server.server_state.connections)

    def protocols(self) -> list[Any]:
        """The connections themselves."""
        assert self._server._server is not None
        return list(self._server._server.server_state.connections)

    def close(self) -> None:
        """Stop the server and close all connections."""
        self._session.close()
        self._server.stop()


@pytest.fixture(scope="session")
def one_api() -> Iterator[Api]:
    """The server; tests use `api`."""
    found = Api(fake_services())
    yield found
    found.close()


@pytest.fixture
def api(one_api: Api) -> Api:
    """A server whose desk has its canned snapshot and answers."""
    one_api.desk.reset()
    one_api.signer.signed.clear()
    return one_api


@pytest.fixture
def own_api() -> Iterator[Api]:
    """A server of this test alone."""
    found = Api(fake_services())
    yield found
    found.close()
