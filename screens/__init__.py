"""The console's screens. `*.py` here: one screen a file; `actions/` what can be done and by which key; `presenters/` state,
without Textual; `widgets/` what paints; `services/` clipboard, keymap, texts, session; `styles/`, `locales/`.

Imports: `core.client` and `core.contract`, nothing else of `core`. A screen composes widgets and routes messages; state
lives in its presenter; a widget paints what a presenter holds.
"""
