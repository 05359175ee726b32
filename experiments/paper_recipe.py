"""The recipe of 2018 on public scans: ``python -m experiments.paper_recipe FOLDER``.

Trains the dilated network by the recipe ``ddc-2018`` once for each site of the evidence, without
that site, as far as a processor carries it: `STEPS` steps, about two hours each on one core. What
FOLDER holds already is not trained again. The cord finder is that of the model that left the site
out, too.
"""

import sys
from pathlib import Path

from experiments.evidence import DATA, fold_for
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.training.config.read import find_recipe, read_config
from scgm.training.engine.checkpoints import RECORD, read_record
from scgm.training.engine.run import train

SITES = ("ucl", "montreal")
STEPS = 320  # 10 of the 1000 epochs of the paper


def trained(site: str, folder: Path) -> Path:
    """Return the checkpoint of the training without a site; train it if it is not there."""
    output = folder / f"ddc-2018-{site}"
    if not (output / RECORD).exists():
        changes = (
            f"leave_out=['{site}']",
            f"segmenter.steps={STEPS}",
            "segmenter.validate_every=0",
            "segmenter.keep=last",
            "precision=bfloat16",
            "finder.steps=0",
            f"finder.start={fold_for(site).absolute()}",
        )
        config = read_config(find_recipe("ddc-2018"), changes)
        train(config, DATA, output, device="cpu", report=print)
    return output


def rows(site: str, checkpoint: Path) -> list[Row]:
    """Return the Dice of the images of a site, with the cord found and with its center given."""
    config, record = read_record(checkpoint)
    done = f"{config.segmenter.steps} of 32000 steps"
    return [
        (
            Path(score["image"]).name.removesuffix(".nii.gz"),
            site,
            f"{score['gm_dice']:.3f}",
            f"{score['gm_dice_centered']:.3f}",
            done,
        )
        for score in record["scores"]
        if "gm_dice" in score
    ]


def main(folder: Path) -> None:
    """Train what is missing, and write the table."""
    found = [row for site in SITES for row in rows(site, trained(site, folder))]
    header = ("image", "site left out", "cord found", "center given", "trained for")
    content = table(header, found)
    print(content)
    replace_section("paper-recipe", content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
