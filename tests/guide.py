"""The guide as its readers meet it: the blocks of a page, in order, and what each of them is.

A block is skipped where the line above it says `<!-- not run: reason -->`. In a console block a line that
begins with `$ ` is typed, and what follows it is expected; `...` stands for anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REASON = re.compile(r"<!-- not run: (.+) -->\n\Z")
_FILE = re.compile(r"# (\S+\.(?:yaml|py|toml))\b")
SHELL = ("console", "bash", "sh")
PROMPT = "$ "
ANYTHING = "..."


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is typed, and what is expected to come of it; None where the page does not say."""

    text: str
    output: str | None = None


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block. `reason` says why it is not run."""

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    @property
    def file(self) -> str | None:
        """The file that the block shows, which its first line names."""
        match = _FILE.match(self.text)
        return match[1] if match else None

    @property
    def commands(self) -> list[Command]:
        """What a reader types; of a block without prompts all of it at once."""
        if self.language not in SHELL:
            return []
        if self.language != "console":
            return [Command(text=self.text)]
        assert self.text.startswith(PROMPT), f"{self.page}:{self.line} begins without a prompt"
        return [_command(part) for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]]


def blocks(page: Path, root: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text()
    for match in _FENCE.finditer(text):
        reason = _REASON.search(text[: match.start()])
        yield Block(
            page=page.relative_to(root).as_posix(),
            line=text.count("\n", 0, match.start()) + 1,
            language=match[1],
            text=match[2],
            reason=reason[1] if reason else None,
        )


def pages(root: Path) -> list[Path]:
    """The README and the guide. What was measured, and decisions, are not commands for a reader."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def fits(expected: str, output: str) -> bool:
    """Whether the output is as a page shows it, however it is wrapped."""
    parts = [re.escape(_plain(part)) for part in expected.split(ANYTHING)]
    pattern = r"\s*.*?\s*".join(part.replace(r"\ ", r"\s+") for part in parts)
    return re.fullmatch(rf"\s*{pattern}\s*", output, re.DOTALL) is not None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _command(part: str) -> Command:
    lines = part.splitlines()
    typed = 1
    while lines[typed - 1].endswith("\\"):
        typed += 1
    output = "\n".join(lines[typed:])
    return Command(text="\n".join(lines[:typed]), output=output or None)
