"""Power cuts: the real store, on a disk that forgets what was not synced.

* `disk`: the model disk, what it did, and what of it survives a power cut;
* `vfs`, `posix`, `adapter`: SQLite and the anchors on that disk, for a store that cannot tell;
* `life`: a run's batches, lived through the real store, and what must be left of it;
* `proof`: the power is cut at every operation;
* `faults`: an operation fails, and the process goes on.

`python -m tests.powercut` proves all of it, the tests a sample.
"""
