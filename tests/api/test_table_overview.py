"""The tables at a glance, on both databases."""

from tests.support.server import RunningServer

PARTS = "/api/tables/Spare%20Parts"


def test_fields_records_trash_and_last_write(server: RunningServer) -> None:
    """T-036"""
    server.empty()
    ids = [server.http.post(f"{PARTS}/records", json={"part_no": name}).json()["id"] for name in "abc"]

    def parts() -> dict[str, object]:
        found = server.http.get("/api/console/tables").json()
        return next(each for each in found if each["sqlName"] == "spare_parts")

    before = parts()
    assert (before["records"], before["trash"], before["disabled"]) == (3, 0, False)
    assert before["fields"] == len([f for f in server.http.get(PARTS).json()["fields"] if not f["system"]])
    newest = server.http.patch(f"{PARTS}/records/{ids[0]}", json={"stock": 4}).json()
    assert parts()["lastWrite"] == newest["updatedAt"]
    server.http.delete(f"{PARTS}/records/{ids[1]}")
    after = parts()
    assert (after["records"], after["trash"]) == (2, 1)
    assert after["lastWrite"] > newest["updatedAt"]
