"""Every command of the guide, typed as it stands there, page after page, by one reader with one system."""

import socket
from pathlib import Path

import pytest

from tests.fixtures.guide import Reader
from tests.guide import SHELL, Block, blocks, pages

pytestmark = [pytest.mark.torch, pytest.mark.timeout(900)]

IN_ORDER = (
    *("tutorial.md", "README.md", "your-data.md", "clients.md"),
    *("add-a-method.md", "operate.md", "backup.md"),
)
"""Those that go on from each other; the README's commands, too, are about the newest experiment."""

ROOT = Path(__file__).parents[2]


def runnable(name: str) -> list[Block]:
    page = ROOT / name if name == "README.md" else ROOT / "docs" / name
    return [block for block in blocks(page, ROOT) if block.reason is None]


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_page_does_what_it_says(reader: Reader, name: str) -> None:
    reader.follow(runnable(name), {})


@pytest.fixture
def servers(empty_postgresql_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """What deploy.md has the reader fill in."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return {
        "FRS_DATABASE_URL": empty_postgresql_url,
        "FRS_BROKER_URL": redis_url,
        "FRS_ARTIFACTS_URL": (tmp_path / "artifacts").as_uri(),
        "FRS_DATA_DIR": str(tmp_path / "data"),
        "FRS_HOST": "127.0.0.1",
        "FRS_PORT": str(port),
        "FRS_URL": f"http://127.0.0.1:{port}",
    }


def test_a_system_is_deployed_by_hand(reader: Reader, servers: dict[str, str]) -> None:
    reader.follow(runnable("deploy.md"), servers)


def test_no_page_has_commands_that_nobody_runs() -> None:
    run = {*IN_ORDER, "deploy.md"}
    for page in pages(ROOT):
        left = [block for block in blocks(page, ROOT) if block.language in SHELL and block.reason is None]
        assert page.name in run or not left, f"{page.name}: run it here, or say above its blocks why not"
