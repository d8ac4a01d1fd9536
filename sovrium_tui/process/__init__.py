"""The server process and its life: who holds a data folder, how a console finds or starts a server, when it ends.

Imported by the console before its first frame: standard library and `core.errors` only, at module level.
"""
