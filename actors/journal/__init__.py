"""The journal: the append-only history of a run, and the only place that speaks SQLite.

Import from the modules: a command that only reads should not pay for the ones that write.

* `port`: `Journal`, what every journal can do, and `Batch`, what it is given;
* `memory`, `sqlite`: the two journals;
* `codec`, `chain`, `rows`: an event's bytes, its place in the history, the rows it adds;
* `schema`: the migrations, and whether a file has what they make;
* `reader`, `verify`: a finished or running run, seen from outside;
* `walk`, `history`, `audit`, `beside`: what `verify` looks at, the chain first.
"""
