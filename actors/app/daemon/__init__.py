"""The daemon: one arena, carried out for as long as it is wanted.

`daemon.py` is the loop, and the place to begin reading.  What an operator may ask for stands in
`verbs.py`; what the daemon says of itself in `status.py`; what is measured in `gauges.py`.
"""
