"""Values that cannot be typed, or only with more keys than choosing them takes."""

from datetime import UTC, datetime

from core.contract.tables import FieldInfo
from screens.presenters.finder import Hit
from screens.presenters.value import ValueRefused, check, parse, show
from screens.services.text import t


def value_hits(field: FieldInfo, now: datetime | None = None) -> list[Hit]:
    """What the value menu offers for a field: NULL, its default, empty, now, true, false. Only what the field takes."""
    hits = []
    if not check(field, None):
        hits.append(Hit(label=t("values.null"), detail=show(field, None), value=None))
    default = field["default"]
    if default is not None and not (isinstance(default, str) and default.upper() in ("NOW()", "CURRENT_DATE")):
        hits.append(Hit(label=t("values.default"), detail=show(field, default), value=default))
    if field["family"] == "text" and not check(field, ""):
        hits.append(Hit(label=t("values.empty"), detail='""', value=""))
    if field["editor"] == "choices":
        hits.append(Hit(label=t("values.empty"), detail="[]", value=[]))
    if field["editor"] in ("date", "datetime", "time"):
        word = "today" if field["editor"] == "date" else "now"
        moment = (now or datetime.now(UTC)).replace(microsecond=0)
        try:
            value = parse(field, word if field["editor"] != "time" else f"{moment.astimezone():%H:%M}", now=moment)
            hits.append(Hit(label=t(f"values.{word}"), detail=show(field, value), value=value))
        except ValueRefused:
            pass
    if field["editor"] == "checkbox":
        hits += [
            Hit(label=t("values.true"), detail=show(field, True), value=True),
            Hit(label=t("values.false"), detail=show(field, False), value=False),
        ]
    return hits
