"""Rebuild the situations, run them, and write the table: ``python -m experiments.field``.

Situations from public bug reports, rebuilt from the images of SCGM_DATA and run through ``scgm
segment``. A slice is silently wrong if it is called ok and its gray matter agrees neither with the
result of the untransformed image nor with a rater's drawing: a Dice below 0.7, which is what "ok"
promises, or an area that differs by more than 15 %.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments.field import anatomy, files, geometry, intensities, masks, shared
from experiments.field.outcome import Outcome, Verdict, outcome_of
from experiments.field.situation import Situation
from experiments.markdown import Row, table
from experiments.results_page import replace_section

SITUATIONS = tuple(
    sorted(
        (
            situation
            for module in (geometry, masks, intensities, files, anatomy)
            for situation in module.SITUATIONS
        ),
        key=lambda situation: int(situation.number),
    )
)
ORDER = tuple(Verdict)

Judged = list[tuple[Situation, Outcome]]


def row_of(situation: Situation, outcome: Outcome) -> Row:
    """Return the cells of one input."""
    verdict = outcome.verdict.value
    if outcome.verdict in (Verdict.SILENT, Verdict.WARNED):
        verdict += f", {outcome.wrong} of {outcome.slices} slices"
    return (
        situation.number,
        situation.name,
        situation.report,
        situation.before,
        f"**{verdict}**" if outcome.verdict in ORDER[:5] else verdict,
        f"{outcome.ok} of {outcome.slices}" if outcome.slices else "refused",
        "-" if math.isnan(outcome.area_ratio) else f"{outcome.area_ratio:.2f}",
        "-" if math.isnan(outcome.dice) else f"{outcome.dice:.2f}",
    )


def summary(judged: Judged) -> str:
    """Count inputs, situations and slices."""
    worst: dict[str, Verdict] = {}
    for situation, outcome in judged:
        known = worst.get(situation.number, Verdict.RIGHT)
        worst[situation.number] = min(known, outcome.verdict, key=ORDER.index)
    silent = [number for number, verdict in worst.items() if verdict is Verdict.SILENT]
    slices = sum(outcome.slices for _, outcome in judged)
    wrong = sum(outcome.wrong for _, outcome in judged if outcome.verdict is Verdict.SILENT)
    strict = sum(outcome.strict for _, outcome in judged if outcome.verdict is not Verdict.WARNED)
    good = [outcome for situation, outcome in judged if _was_right(situation)]
    right, kept = sum(each.right for each in good), sum(each.kept for each in good)
    counts = (sum(outcome.verdict is verdict for _, outcome in judged) for verdict in ORDER)
    lines = [
        f"{len(worst)} situations, {len(judged)} inputs: "
        + ", ".join(f"{count} {verdict}" for verdict, count in zip(ORDER, counts, strict=True)),
        f"silently wrong: {len(silent)} of {len(worst)} situations"
        + (f" ({', '.join(silent)})" if silent else "")
        + f", {wrong} of {slices} slices",
        "by a stricter rule, a Dice of 0.8 and the area of the untransformed result alone: "
        f"{strict} of {slices} slices",
        "not in the table: 37, memory, which experiments.memory measures",
        f"right situations: {right - kept} of {right} right slices flagged, refused or changed",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _was_right(situation: Situation) -> bool:
    return situation.before in ("right", "nearly right") and situation.wanted == "result"


def summary_of_scans() -> str:
    """Say what became of the slices that version 0.1.0 called ok in the scans of SCGM_DATA."""
    found = shared.compare()
    lines = [
        f"- {found.scans} scans of SCGM_DATA: of {found.before} slices that version 0.1.0 called "
        f"ok, {found.flagged} are flagged or refused now ({found.flagged / found.before:.1%}), "
        f"{found.changed} have another area by more than 15 %; {found.gained} more are ok",
        *(f"    - flagged now in {lost}" for lost in found.lost),
    ]
    return "\n".join(lines)


def judge_all(chosen: Iterable[Situation]) -> Judged:
    """Run one input after the other."""
    judged = []
    for situation in chosen:
        outcome = outcome_of(situation)
        line = f"{situation.number} {situation.name}: {outcome.verdict} | {outcome.said}\n"
        sys.stderr.write(line)
        judged.append((situation, outcome))
    return judged


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for; the whole table goes into the results page."""
    parser = argparse.ArgumentParser(prog="python -m experiments.field", description=__doc__)
    parser.add_argument("numbers", nargs="*", help="numbers of situations; by default all")
    parser.add_argument("--scans", action="store_true", help="run all scans of SCGM_DATA, too")
    parser.add_argument("--record", action="store_true", help="write down what is ok in the scans")
    parser.add_argument("--to", type=Path, help="write the table here, not into the results page")
    options = parser.parse_args(arguments)
    if options.record:
        shared.record()
        return
    wanted = options.numbers
    judged = judge_all(each for each in SITUATIONS if not wanted or each.number in wanted)
    head = ("report", "input", "from", "version 0.1.0", "now", "slices ok", "area", "Dice")
    content = f"{table(head, (row_of(*each) for each in judged))}\n\n{summary(judged)}"
    if options.scans:
        content += f"\n{summary_of_scans()}"
    if options.to:
        options.to.write_text(f"{content}\n", encoding="utf-8")
    elif not wanted:
        replace_section("field", content)
    sys.stdout.write(f"{content}\n")


if __name__ == "__main__":
    main()
