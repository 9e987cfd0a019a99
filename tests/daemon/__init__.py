"""Daemons in processes of their own, as somebody who runs `arena serve` has them.

`nursery.py` starts them, `test_served*.py` tries one thing each, `terms.py` stops them at random
moments, and `soak.py` keeps one busy, kills it, and holds what is left against what was promised.
"""
