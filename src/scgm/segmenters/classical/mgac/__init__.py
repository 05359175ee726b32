"""MGAC: a template, warped to the cord's outline, starts a contour that moves to edges.

After Datta et al. (2017) and the program that its authors published.
"""

from scgm.segmenters.classical.mgac.method import Mgac, open_mgac
from scgm.segmenters.classical.mgac.template import CordTemplate, build

__all__ = ["CordTemplate", "Mgac", "build", "open_mgac"]
