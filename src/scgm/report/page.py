"""The page itself: one HTML file, from the templates beside this file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scgm.io.text import name_text
from scgm.report.entry import Entry
from scgm.report.outliers import FEATURES, FEWEST, OUTLIER_FROM, outlier_scores
from scgm.version import __version__

TEMPLATES = Path(__file__).with_name("template")
GENERATOR = "scgm report"
# In this order, as one script: each uses what those before it define.
SCRIPTS = (
    *("dom.js", "verdicts.js", "pictures.js", "plot.js", "detail.js", "list.js", "keys.js"),
    "start.js",
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record, or an image, that could not be shown, and why, in one sentence."""

    path: Path
    why: str


def without_folders(sentence: str, folders: Iterable[Path]) -> str:
    """Return a sentence that names files without the folders that they lie in.

    >>> without_folders("/home/ann/t2.nii.gz: it is damaged", [Path("/home/ann")])
    't2.nii.gz: it is damaged'
    """
    for folder in sorted(map(str, folders), key=len, reverse=True):
        sentence = sentence.replace(f"{folder.rstrip(os.sep)}{os.sep}", "")
    return name_text(sentence)


def page(entries: Sequence[Entry], left_out: Sequence[LeftOut], title: str) -> str:
    """Return a report as HTML.

    Parameters
    ----------
    entries : sequence of Entry
        The images.
    left_out : sequence of LeftOut
        Results that could not be shown, and images without a result.
    title : str
        Of the page.
    """
    styles = _text("report.css")
    script = "\n".join(_text(name) for name in SCRIPTS)
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    return pages.get_template("report.html").render(
        title=title,
        generator=f"{GENERATOR} {__version__}",
        policy=_policy(script, styles),
        styles=Markup(styles),  # noqa: S704  a file of this package
        script=Markup(script),  # noqa: S704  a file of this package
        index=_json(_index(entries)),
        details=[_json(entry.details()) for entry in entries],
        left_out=[without_folders(each.why, (each.path.parent,)) for each in left_out],
    )


def _index(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return what the list of images shows."""
    features = [entry.features() for entry in entries]
    scores = outlier_scores(features)
    titles = _titles(entries)
    images = [
        {
            "key": entry.record.key,
            "title": title,
            "method": entry.record.how,
            "slices": len(entry.rows),
            "flagged": entry.flagged,
            "drawn": entry.pictures is not None,
            "thumbnail": entry.thumbnail,
            "warnings": list(entry.record.warnings),
            "notices": [without_folders(notice, entry.folders) for notice in entry.notices],
            "features": own,
            "scores": entry.scores,
            "z": z,
        }
        for entry, title, own, z in zip(entries, titles, features, scores, strict=True)
    ]
    limits = {"outlierFrom": OUTLIER_FROM, "fewest": FEWEST}
    names = dict.fromkeys(name for entry in entries for name in entry.scores)
    return {"images": images, "features": dict(FEATURES), "scores": list(names), **limits}


def _titles(entries: Sequence[Entry]) -> list[str]:
    """Return the names of the images; shared ones with their method, or else numbered."""
    names = [entry.record.title for entry in entries]
    names = [
        f"{name} ({entry.record.how})" if _differ(entries, name) else name
        for name, entry in zip(names, entries, strict=True)
    ]
    seen: dict[str, int] = {}
    titles = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        titles.append(f"{name} ({seen[name]})" if names.count(name) > 1 else name)
    return titles


def _differ(entries: Sequence[Entry], name: str) -> bool:
    """Tell whether results of one name were made in different ways."""
    return len({entry.record.how for entry in entries if entry.record.title == name}) > 1


def _policy(script: str, styles: str) -> str:
    """Return the Content-Security-Policy: nothing from elsewhere, and no code but ours."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(styles)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _json(content: Any) -> Markup:
    """Return JSON that cannot end the element that it is in, whatever its strings hold."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704  it holds no markup
