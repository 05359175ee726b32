"""Damaged files never end in more than one sentence; experiments/fuzz_reading.py reads 100,000."""

import sys

import pytest

pytest.importorskip("resource")

from tests.helpers.fuzzing import faults_of, fuzz

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc for memory")


def test_files_damaged_at_random_are_read_or_refused() -> None:
    ends = fuzz(1000, seed=10**9)

    assert faults_of(ends) == {}
    assert ends["read"] > 100
    assert ends["refused"] > 100


def test_a_fault_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(path: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tests.helpers.fuzzing.read_volume", faulty)
    monkeypatch.setattr("tests.helpers.fuzzing.read_labels", faulty)

    assert faults_of(fuzz(3, seed=0)).keys() == {f"{n}: ZeroDivisionError: " for n in range(3)}
