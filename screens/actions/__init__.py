"""What can be done, by which key: one declaration per action feeds bindings, footer, which-key, palette, help, the key file
and the documentation. An area per module; `registry.ACTIONS` is all of them.
"""
