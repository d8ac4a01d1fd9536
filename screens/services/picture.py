"""Pictures of files in the terminal: two pixels in a cell, one above the other. They need Pillow, an extra of the package; a
process without it shows names.
"""

from importlib.util import find_spec
from pathlib import Path

Cell = tuple[str, str]
"""The colours (`#rrggbb`) of the upper and the lower half of a cell."""
Cells = list[list[Cell]]
BYTES_MOST = 8_000_000
"""Of a file that is fetched to be shown."""
PIXELS_MOST = 50_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
COLORS = 64
"""Of one picture: a cell is too coarse for more, and each pair of them is a style of its own."""


def can_show() -> bool:
    """Pillow is there."""
    return find_spec("PIL") is not None


def half_blocks(file: Path, width: int, height: int) -> Cells | None:
    """The picture as large as so many cells allow; None for a file that is no picture, or one of too many pixels. Reads
    and reckons: not for the thread that paints."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # it would warn; here they are counted
    try:
        with Image.open(file, formats=FORMATS) as found:
            if found.width * found.height > PIXELS_MOST:
                return None
            found.draft("RGB", (width * 4, height * 8))  # a JPEG is read at a fraction of its size
            upright = ImageOps.exif_transpose(found).convert("RGBA")
            upright.thumbnail((width, height * 2))
            ground = Image.new("RGBA", (upright.width, upright.height + upright.height % 2), "black")
            ground.alpha_composite(upright)
            pixels = ground.convert("RGB").quantize(COLORS).convert("RGB")
    except (OSError, ValueError, SyntaxError):
        return None
    data = pixels.tobytes()
    colors = [f"#{data[place : place + 3].hex()}" for place in range(0, len(data), 3)]
    rows = [colors[start : start + pixels.width] for start in range(0, len(colors), pixels.width)]
    return [list(zip(upper, lower, strict=True)) for upper, lower in zip(rows[::2], rows[1::2], strict=True)]
