"""The networks, and the graph that joins them into one model file (torch)."""
