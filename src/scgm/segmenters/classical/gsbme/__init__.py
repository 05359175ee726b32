"""GSBME: a maximum-entropy threshold for a sliding window of slices; outliers by shape.

After the entry of that name in the gray matter challenge (Prados et al. 2017). Nothing is learned.
"""

from scgm.segmenters.classical.gsbme.method import Gsbme, open_gsbme

__all__ = ["Gsbme", "open_gsbme"]
