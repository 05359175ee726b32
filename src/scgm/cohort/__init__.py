"""Many images: found in a folder, segmented side by side, collected in tables and a report."""
