"""How commands are decided, by subject.  `arena.treasury.decide` sends each one to its function."""
