"""Numbers and sizes as people of a language read them."""

from screens.services.text import grouped as grouped
from screens.services.text import t


def size(count: int) -> str:
    """Bytes as one reads them, by 1,024: `812 B`, `1.4 KB`, `5 MB`; `1,4 Ko` in French."""
    byte, kilo, mega, giga = t("number.size.units").split()
    if count < 1024:
        return f"{count} {byte}"
    if count < 1024**2:
        shown, unit = f"{count / 1024:.1f}", kilo
    else:
        value, unit = (count / 1024**2, mega) if count < 1024**3 else (count / 1024**3, giga)
        shown = f"{value:.1f}".removesuffix(".0")
    return f"{shown.replace('.', t('grid.number.point'))} {unit}"
