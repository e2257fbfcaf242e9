"""Every quantity there is."""

from server.model.quantity import QUANTITIES
from server_unit_test.api.conftest import Api


def test_quantities_come_with_unit_and_sign(api: Api) -> None:
    """The page names and signs values from here and nowhere else."""
    answer = api.json("/api/quantities")

    assert set(QUANTITIES) == set(answer)
    assert ("W", "Grid power", "import", "gauge") == tuple(
        answer["grid_power"][key] for key in ("unit", "title", "sign", "kind")
    )
