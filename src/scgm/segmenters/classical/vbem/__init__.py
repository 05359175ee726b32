"""VBEM: variational Bayes of a Gaussian mixture with a deformable tissue template.

After Blaiotta et al. (2016). `docs/methods/vbem.md` has the equations.
"""

from scgm.segmenters.classical.vbem.method import Vbem, open_vbem
from scgm.segmenters.classical.vbem.template import TissueTemplate, build

__all__ = ["TissueTemplate", "Vbem", "build", "open_vbem"]
