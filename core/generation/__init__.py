"""Fields that a language model fills (T-102, T-103): asked for after the commit, from the change log, so that a crash loses
none."""
