"""Why: what a run has decided, in plain words, from its journal and its rules alone.

Nothing here knows a rule.  The state before a decision is folded from the journal, the functions
that decided are asked again, and the smallest change that flips a decision is one that they
confirm.
"""
