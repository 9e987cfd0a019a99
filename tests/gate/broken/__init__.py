"""Strategies that are wrong on purpose, each in one way; `tests/gate/test_broken.py` names it."""
