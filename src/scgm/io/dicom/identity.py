"""What names a patient, and taking it out of texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scgm.io.dicom.tags import text, value

_NAMES = (
    *("PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName"),
    *("ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName"),
    *("PhysiciansOfRecord", "RequestingPhysician", "NameOfPhysiciansReadingStudy"),
)
_NUMBERS = (
    *("PatientID", "OtherPatientIDs", "AccessionNumber", "AdmissionID"),
    *("MedicalRecordLocator", "PatientTelephoneNumbers", "PatientAddress"),
)
# What stands in the place of a name that was taken out.
_NOBODY = frozenset(
    (
        "anon",
        "anonymous",
        "anonymized",
        "anonymised",
        "none",
        "patient",
        "phantom",
        "removed",
        "subject",
        "test",
        "unknown",
        "volunteer",
    )
)
_REMOVED = "[removed]"
# A shorter text is taken out where it is a word of its own: "Li" out of "Li neck", not of "Lipid".
_LEAST_PART = 4


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Texts that name the patients of some files."""

    texts: frozenset[str]

    @classmethod
    def of(cls, headers: Iterable[Any]) -> Identifiers:
        """Collect what the headers say of the patient: names, numbers, birth date."""
        return cls(frozenset(_composed(word) for header in headers for word in _found_in(header)))

    def removed_from(self, words: str) -> str:
        """Return a text without them, whatever the case and the form of their letters."""
        pattern = self._pattern()
        composed = _composed(words)
        if pattern is None or not pattern.search(composed):
            return words
        return pattern.sub(_REMOVED, composed)

    def in_text(self, words: str) -> bool:
        """Tell whether a text holds one of them."""
        return self.removed_from(words) != words

    def _pattern(self) -> re.Pattern[str] | None:
        if not self.texts:
            return None
        longest_first = sorted(self.texts, key=lambda word: (-len(word), word))
        return re.compile("|".join(map(_as_pattern, longest_first)), re.IGNORECASE)


def _composed(words: str) -> str:
    """Return a text with a letter and its accent as one character: some disks store two."""
    return unicodedata.normalize("NFC", words)


def _as_pattern(word: str) -> str:
    escaped = re.escape(word)
    alone = f"(?<![^\\W_]){escaped}(?![^\\W_])"
    return escaped if len(word) >= _LEAST_PART or _is_unspaced(word) else alone


def _is_unspaced(word: str) -> bool:
    """Tell whether a text is Chinese, Japanese or Korean: there, no spaces set a name apart."""
    return any(unicodedata.east_asian_width(letter) == "W" for letter in word)


def _found_in(header: Any) -> Iterable[str]:
    for keyword in _NAMES:
        for name in _texts(header, keyword):
            yield name
            # A part that is a number or one letter is no name: it would take apart every text.
            yield from (part for part in _parts_of(name) if _is_name(part))
    for keyword in _NUMBERS:
        # Studies are often numbered 1, 2, 3: that names nobody.
        yield from (number for number in _texts(header, keyword) if len(number) > 2)
    for other in value(header, "OtherPatientIDsSequence") or ():
        yield from (number for number in _texts(other, "PatientID") if len(number) > 2)
    for day in _texts(header, "PatientBirthDate"):
        yield from (day, f"{day[:4]}-{day[4:6]}-{day[6:8]}", f"{day[6:8]}.{day[4:6]}.{day[:4]}")


def _parts_of(name: str) -> Iterable[str]:
    """Yield family name, given names and so on, and the first two written together."""
    for written in name.split("="):  # in Latin letters, in characters, by sound
        parts = [part for part in re.split(r"[\^,\s]+", written) if part]
        yield from parts
        first = parts[:2]
        if len(first) == 2 and all(map(_is_word, first)):
            yield from ("".join(first), "".join(reversed(first)))


def _is_name(part: str) -> bool:
    return len(part) > 1 and _is_word(part)


def _is_word(part: str) -> bool:
    return any(letter.isalpha() for letter in part) and part.lower() not in _NOBODY


def _texts(header: Any, keyword: str) -> list[str]:
    found = value(header, keyword)
    several = found if isinstance(found, list | tuple) or hasattr(found, "append") else [found]
    written = [text(one) for one in several]
    return [words for words in written if words.strip("^ ") and words.lower() not in _NOBODY]
