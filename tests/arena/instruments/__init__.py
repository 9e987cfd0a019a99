"""The formulas of what can be held, each against the answers of its source."""
