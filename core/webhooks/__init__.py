"""Calls to other servers when records change (§10.14): read from the change log, so that a crash loses none."""
