"""The archetypes, each on markets where its idea works and where it does not."""
