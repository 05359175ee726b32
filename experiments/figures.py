"""The page of main figures: ``python -m experiments.figures``, after ``experiments.side_by_side``.

Takes the figures of the benchmark on the evidence (``python -m experiments.side_by_side found``),
makes their files small, and writes docs/results/figures.md.
"""

import sys
from pathlib import Path

from PIL import Image

from experiments.side_by_side import METHODS, OUTPUT

DRAWN = OUTPUT / "evidence" / "figures"
PAGE = Path("docs/results/figures.md")
KEPT = Path("docs/images/figures")
WIDEST, COLORS = 1000, 256

HEAD = """# Results: main figures

[Results](../results.md): words and rules are there. The numbers behind these figures:
[methods side by side](methods.md).

```sh
python -m experiments.side_by_side found   # runs all methods on the evidence
python -m experiments.figures              # writes this page
```

Four images of three people and two sites, each method with what it learned without the image's
site. So few images show no difference between methods that are close.
"""
MAIN = {
    "dice.png": (
        "Overlap with the rater",
        "Dice of each image, mean over its slices. The box spans the middle half of the images.",
    ),
    "areas.png": (
        "Areas against the rater's (Bland-Altman)",
        "Each point is a slice. Full line: mean difference; dashed lines: 1.96 standard deviations "
        "to either side. Slices of one image are not independent.",
    ),
    "reliability.png": (
        "Do probabilities mean what they say?",
        "Pixels near the outlines (0.05 < p < 0.95, or touching the outline of the mask or of the "
        "reference), all images together. On the diagonal, pixels with p = 0.7 are gray matter in "
        "70 % of cases. Bars: share of the pixels. Methods that give masks alone are left out.",
    ),
}


def main() -> None:
    """Write small copies of the figures, and the page that shows them."""
    if not DRAWN.is_dir():
        sys.exit(f"{DRAWN}: no figures; run python -m experiments.side_by_side found before")
    KEPT.mkdir(parents=True, exist_ok=True)
    parts = [HEAD]
    for name, (title, text) in MAIN.items():
        parts.append(f"## {title}\n\n{text}\n\n{_shown(name, title)}\n")
    parts.append(
        "## Worst slices\n\nThe six slices with the lowest Dice of each method; blue: drawn by the "
        "rater, orange: found.\n"
    )
    for method in METHODS:
        name = f"worst_{method}.png"
        parts.append(f"### `{method}`\n\n{_shown(name, f'Worst slices of {method}')}\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _shown(name: str, title: str) -> str:
    """Write a small copy of a figure; return the line that shows it."""
    with Image.open(DRAWN / name) as figure:
        width = min(figure.width, WIDEST)
        height = round(figure.height * width / figure.width)
        small = figure.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    small.quantize(COLORS).save(KEPT / name, optimize=True)
    return f"![{title}](../images/figures/{name})"


if __name__ == "__main__":
    main()
