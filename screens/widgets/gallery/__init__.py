"""Records as cards, with a picture where they have one."""
