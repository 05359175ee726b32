"""The real scan in the README: ``python -m experiments.readme_picture`` draws it.

The scan is public (CC0). The model that draws on it was trained without the scan's site.
"""

from pathlib import Path

import scgm
from experiments.evidence import DATA, EVIDENCE, fold_for, source_of

SLICES = (4, 12)

if __name__ == "__main__":
    image = EVIDENCE["sub-9418"]
    result = scgm.segment(DATA / image, model=fold_for(source_of(image).site))
    result.figure(SLICES).savefig(Path("docs/images/real.png"), dpi=90)
