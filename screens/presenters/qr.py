"""A QR code in half blocks: two rows of squares in a line of text."""

BORDER = 2
"""Squares of light around it, which readers need."""
TAKEN_FOR_GRANTED = ("algorithm=SHA1", "digits=6", "period=30")


def qr_lines(text: str, border: int = BORDER) -> list[str]:
    """Lines to be painted light on dark: what is drawn is the light of the code."""
    import segno

    code = segno.make(text, error="l", micro=False, boost_error=False)
    rows = [[not dark for dark in row] for row in code.matrix_iter(border=border)]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))  # light, as the border that it lengthens
    marks = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return [
        "".join(marks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def short_uri(uri: str) -> str:
    """The same for every authenticator app, without what they take for granted: a smaller picture."""
    path, _, query = uri.partition("?")
    return f"{path}?{'&'.join(each for each in query.split('&') if each not in TAKEN_FOR_GRANTED)}"


def in_groups(secret: str, size: int = 4) -> str:
    """`ABCD EFGH …`, to be typed by hand."""
    return " ".join(secret[at : at + size] for at in range(0, len(secret), size))
