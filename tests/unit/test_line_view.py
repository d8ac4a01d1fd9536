"""Lines of details: what does not fit behind its label goes on below the value."""

from screens.widgets.line_view import hung


def test_a_long_value_hangs_below_itself() -> None:
    assert hung("Who    ada@example.org 01a20199", 24) == "Who    ada@example.org\n       01a20199"
    assert hung("Who    ada", 24) == "Who    ada"
    assert hung("A sentence of several words that has no label", 24) == "A sentence of several words that has no label"
    assert hung("A label that takes all    of it and more", 24) == "A label that takes all    of it and more"
