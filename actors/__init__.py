"""The shell: actors act.  In this package a file is an actor and a folder is equipment."""
