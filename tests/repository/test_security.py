"""docs/security.md names a proof for each answer, and each proof is there."""

import re
from pathlib import Path

import pytest

_PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.fixture(scope="module")
def rows(repo_root: Path) -> list[list[str]]:
    """The cells of each threat's row."""
    text = (repo_root / "docs" / "security.md").read_text()
    part = text.split("## Threats, answers, proofs")[1].split("## What an operator does")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"
    ]
    return [row for row in cells if row[0] != "threat" and not set(row[0]) <= {"-"}]


def test_every_threat_has_an_answer_and_a_proof_or_says_that_it_has_none(rows: list[list[str]]) -> None:
    assert len(rows) > 30
    for row in rows:
        assert len(row) == 4, row
        assert row[2], row
        assert _PROOF.search(row[3]), row


def test_every_proof_is_a_test(rows: list[list[str]], repo_root: Path) -> None:
    proofs = {proof for row in rows for proof in _PROOF.findall(row[3])}
    assert len(proofs) > 30
    for file, name in proofs:
        assert re.search(rf"^def {name}\(", (repo_root / file).read_text(), re.MULTILINE), f"{file}::{name}"
