"""Power cuts: the real store, on a disk that forgets what was not synced.

* `disk`: the model disk, what it did, and what of it survives a power cut;
* `vfs`, `adapter`: SQLite on that disk, dressed as the standard library's `sqlite3`;
* `life`: a run's batches, lived through the real store, and what must be left of it;
* `proof`: every cut, every failing operation; `python -m tests.powercut` does them all.
"""
