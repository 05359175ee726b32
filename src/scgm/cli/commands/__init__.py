"""One command per file; a function of values, with its heavy imports inside."""
