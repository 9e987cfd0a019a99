"""The web: a run read over HTTP, by a process of its own that can ask the writer, not hurt it."""
