"""Formulas tried out over the API, on both databases."""

from typing import Any

from tests.support.server import RunningServer

PREVIEW = "/api/console/formulas/preview"


def tried(server: RunningServer, formula: str, **more: Any) -> Any:
    body = {"table": "spare_parts", "formula": formula, **more}
    answer = server.local.post(PREVIEW, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_formula_is_shown_on_some_records(server: RunningServer) -> None:
    """F-001, F-011: kind and values, without a word in the app file."""
    for number in range(7):
        fields = {"part_no": f"P{number}", "stock": number, "price": 1.5 if number else None}
        server.local.post("/api/tables/spare_parts/records", json={"fields": fields})
    answer = tried(server, "stock * price")
    assert answer["kind"] == "number"
    assert answer["error"] is None
    assert [(each["label"], each["value"]) for each in answer["samples"]] == [
        ("P0", None), ("P1", 1.5), ("P2", 3), ("P3", 4.5), ("P4", 6),
    ]  # fmt: skip
    assert len(tried(server, "stock", limit=6)["samples"]) == 6
    assert tried(server, "stock / price", resultType="text", limit=2)["samples"][1]["value"].startswith("0.66")
    assert tried(server, "stock > 1", limit=2)["samples"][1]["value"] is False
    assert tried(server, "CAST('2026-01-31' AS date) + stock", limit=1)["samples"][0]["value"] == "2026-01-31"


def test_what_is_wrong_has_its_place(server: RunningServer) -> None:
    """F-016"""
    error = tried(server, "1 +\n  prize")["error"]
    assert (error["code"], error["position"], error["line"], error["column"]) == ("formula.unknown-field", 6, 2, 3)
    assert "price" in str(error["hint"]) + error["message"]
    assert tried(server, "(stock")["error"]["code"] == "formula.parentheses"
    assert tried(server, "bought", resultType="integer")["error"]["code"] == "formula.result"
    assert tried(server, "AGE(bought)")["error"]["code"] == "formula.result"
    assert tried(server, "")["error"]["position"] == 0


def test_requests_that_cannot_be_answered(server: RunningServer) -> None:
    assert server.local.post(PREVIEW, json={"table": "nowhere", "formula": "1"}).status_code == 404
    assert (
        server.local.post(PREVIEW, json={"table": "spare_parts", "formula": "1", "resultType": "x"}).status_code == 400
    )
    assert server.local.post(PREVIEW, json={"table": "spare_parts"}).status_code == 400


def test_the_functions_are_listed(duckdb_server: RunningServer) -> None:
    functions = {
        each["name"]: each for each in duckdb_server.local.get("/api/console/formulas/functions").json()["functions"]
    }
    assert functions["ROUND"] == {
        "name": "ROUND",
        "group": "Numbers",
        "signature": "ROUND(number, [number])",
        "result": "number",
        "text": "To so many places, halves away from zero",
        "example": "ROUND(price, 2)",
    }
