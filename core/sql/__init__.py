"""SQL typed by a person: split and judged, run with a bounded result, completed from the catalogue."""
