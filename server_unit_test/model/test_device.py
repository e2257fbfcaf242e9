"""An endpoint is one lane, whatever units are behind it."""

from server.model.device import Endpoint


def test_an_endpoint_names_its_lane() -> None:
    """Scheme, host and port: two of them never share one, the same one always does."""
    here = Endpoint("modbus_tcp", "10.0.0.1", 502)
    others = {Endpoint("modbus_tcp", "10.0.0.1", 503), Endpoint("modbus_tcp", "10.0.0.2", 502)}

    assert "modbus_tcp:10.0.0.1:502" == here.lane
    assert 3 == len({here.lane, *(each.lane for each in others)})
    assert here.lane == Endpoint("modbus_tcp", "10.0.0.1", 502).lane
