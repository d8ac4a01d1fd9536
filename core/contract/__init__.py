"""The shapes that travel between server and clients. Types only: no logic, nothing heavy to import.

`tables` and `records` are the native API (spec tables-records §2.5, §10), `console` what only a console needs
(windows of an ordered view, SQL runs, jobs, completion), `server` health and the process.
"""
