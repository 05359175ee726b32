"""NIfTI files: the bytes, the header, reading and writing."""
