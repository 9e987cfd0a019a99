"""The gate, and what it keeps out."""
