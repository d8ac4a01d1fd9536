"""Numbers and sizes as people of a language read them."""

from screens.services.text import grouped as grouped


def size(count: int) -> str:
    """Bytes as `3.4 MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
