"""A progress bar of characters: readable without colour, one line high."""

from textual.content import Content

EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float | None, width: int) -> Content:
    """`████▌      45%`; a dotted line where nobody knows how much there is."""
    if share is None:
        return Content.styled("·" * width, "$foreground-muted")
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    done = "█" * full + (EIGHTHS[rest] if rest else "")
    return Content.assemble((done, "$primary"), ("─" * (width - len(done)), "$border-blurred"), f" {share:>4.0%}")
