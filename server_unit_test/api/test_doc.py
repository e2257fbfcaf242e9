"""The table as earlier clients read it."""

from server_unit_test.api.conftest import Api


def test_doc_lists_all_methods(api: Api) -> None:
    """Schemas stand by method and by path below /api/."""
    answer = api.json("/api/doc")

    assert {"GET", "POST", "DELETE"} == set(answer)
    assert {
        "type": "post",
        "description": "Shows what would bind the box to a wallet.",
        "required": {"wallet": "string"},
        "optional": {"dry_run": "bool"},
        "returns": {
            "initialized": "bool",
            "idAndWallet": "string",
            "signature": "string",
            "message": "string",
        },
    } == answer["POST"]["initialize"]


def test_a_prefix_narrows_it(api: Api) -> None:
    """Only paths that begin with it remain."""
    answer = api.json("/api/doc/inverter")

    paths = {path for rows in answer.values() for path in rows}
    assert {"inverter", "invertertcp", "inverter/modbus"} <= paths
    assert not [each for each in paths if not each.startswith("inverter")]
