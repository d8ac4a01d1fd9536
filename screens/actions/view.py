"""Keys of the view menu, and of boards, calendars and galleries."""

from screens.actions.action import Action

VIEWS: tuple[Action, ...] = (
    Action("views.keep", "S,s", "views", footer=1, writes=True),
    Action("views.update", "u", "views", footer=2, writes=True),
    Action("views.rename", "n,f2", "views", footer=3, writes=True),
    Action("views.default", "asterisk", "views", footer=4, writes=True),
    Action("views.delete", "d,delete", "views", footer=5, writes=True),
)

CARDS: tuple[Action, ...] = (
    Action("card.up", "up,k", "cards"),
    Action("card.down", "down,j", "cards"),
    Action("card.left", "left,h", "cards"),
    Action("card.right", "right,l", "cards"),
    Action("card.page_up", "pageup,ctrl+b,ctrl+u", "cards"),
    Action("card.page_down", "pagedown,ctrl+f,ctrl+d", "cards"),
    Action("card.first", "home,ctrl+home", "cards"),
    Action("card.last", "end,ctrl+end,G", "cards"),
    Action("card.mark", "space", "cards"),
    Action("card.open", "enter,r", "cards", footer=1),
    Action("card.move_left", "less_than_sign,shift+left", "cards", footer=2, writes=True),
    Action("card.move_right", "greater_than_sign,shift+right", "cards", footer=3, writes=True),
    Action("card.move_up", "K,shift+up", "cards", writes=True),
    Action("card.move_down", "J,shift+down", "cards", writes=True),
    Action("card.previous", "left_square_bracket", "cards"),
    Action("card.next", "right_square_bracket", "cards"),
    Action("card.today", "t", "cards"),
    Action("card.scale", "m", "cards"),
)
