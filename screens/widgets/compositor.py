"""What a screen draws again when a part of it has changed."""

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class FrugalCompositor(Compositor):
    """Renders only what can be seen of the changed lines. Textual's own renders every widget that touches them in its whole
    height, also the containers that lie behind: more than a third of what a step of the cursor cost."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None:
            yield from super()._get_renders(None)
            return
        # The cuts of a line go over its whole width: widgets are cropped to lines, not to columns.
        lines = Region(0, crop.y, self.size.width, crop.height)
        for widget, (region, clip) in self.visible_widgets.items():  # front to back
            part = region.intersection(clip).intersection(lines)
            if not part or not part.overlaps(crop):
                continue
            yield part, part, widget.render_lines(part.translate(-region.offset))
            if part.contains_region(crop):
                return  # nothing behind it shows through: Textual mixes a background with what is behind it beforehand
