"""The formula language: text → tree → kinds → SQL. `parse`, `check` and `names` know no database; `compile_sql` does.

A formula never fails for a row: what cannot be computed (a text that is no number, a division by zero, a date that the
calendar does not have) is NULL.
"""
