"""JCSCS (Prados et al. 2016): two fusions of a library of labeled slices that work together.

OPAL marks the cord by similar patches, without registration. The slices most alike are registered
to the target around that cord, and STEPS fuses their labels. `docs/methods/jcscs.md` has the
equations.
"""

from scgm.segmenters.classical.jcscs.library import build
from scgm.segmenters.classical.jcscs.method import Jcscs, open_jcscs

__all__ = ["Jcscs", "build", "open_jcscs"]
