"""A database with experiments in every condition, and a browser."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import EvaluationEvent, MetricEvent, ProgressEvent, WarningEvent
from service.db import ledger
from service.db.engine import create_engine
from service.db.models import Base, Job
from service.db.states import AttemptState
from service.settings import Settings
from tests.availability import unavailable
from tests.fixtures.server import TEST_KEY, admit_tester, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, SetCookieParam

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

DATASET = {"format": "synthetic", "test": "test"}
HARMLESS = ("the server responded with a status of 4", "htmx:sendAbort", "htmx:afterRequest")
"""An address that is not there; a live update that going elsewhere breaks off, of which htmx tells twice."""
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium, from FRS_CHROMIUM or the system's."""
    path = os.environ.get("FRS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        unavailable("no Chromium: install the package `chromium` or set FRS_CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_settings(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Of the one server that all browser tests look at: to start one takes as long as most of them."""
    folder = tmp_path_factory.mktemp("browsed")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'frs.db')}"
    return Settings(data_dir=folder, database_url=url, broker_url="", artifacts_url="")


@pytest.fixture(scope="session")
def shared_server(shared_settings: Settings) -> Iterator[str]:
    """Its address."""
    with serving(shared_settings, shared_settings.data_dir) as url:
        yield url


@pytest.fixture
def sqlite_url(shared_settings: Settings) -> str:
    """Its database, emptied."""
    engine = create_engine(shared_settings.database_url)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
        connection.exec_driver_sql("DELETE FROM sqlite_sequence")
    engine.dispose()
    admit_tester(shared_settings.database_url)
    return shared_settings.database_url


@pytest.fixture
def settings(shared_settings: Settings) -> Settings:
    """For what puts files where the server finds them."""
    return shared_settings


@pytest.fixture
def server_url(shared_server: str, sqlite_url: str) -> str:
    """The address of a server before an empty database."""
    return shared_server


@pytest.fixture(scope="session")
def logged_in(shared_settings: Settings, shared_server: str) -> list["SetCookieParam"]:
    """The cookies of a browser in which the tester has logged in."""
    admit_tester(shared_settings.database_url)
    answer = httpx.post(f"{shared_server}/login", data={"key": str(TEST_KEY)})
    assert answer.status_code == 303, answer.text
    [(name, value)] = answer.cookies.items()
    return [{"name": name, "value": value, "url": shared_server}]


@pytest.fixture
def page(
    browser: "Browser", server_url: str, logged_in: list["SetCookieParam"]
) -> Iterator["Page"]:  # closed before the server stops
    """A page whose script errors and refused contents fail the test; answers of 404 and 422 may be meant."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies(logged_in)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    yield page
    found = [fault for fault in faults if not any(text in fault for text in HARMLESS)]
    page.goto("about:blank")  # Chromium may never close a page that is just going elsewhere
    context.close()
    assert not found


@dataclass(frozen=True)
class Actor:
    """Makes things happen in the database as workers would."""

    sessions: sessionmaker[Session]
    hand: "Hand"

    def record(self, lease: ledger.Lease, *events: Any) -> None:
        """Record events of a run."""
        with self.sessions.begin() as session:
            ledger.record(session, lease, events)

    def train(self, lease: ledger.Lease, *, epoch: int, loss: float, ap: float | None = None) -> None:
        """Progress to an epoch of 8, 20 steps each."""
        step = 20 * epoch
        self.record(
            lease,
            ProgressEvent(
                time=1.0, phase="training", step=step, total_steps=160, epoch=epoch, total_epochs=8,
                eta_seconds=30.0 * (8 - epoch),
            ),
            MetricEvent(time=1.0, step=step, values={"train/loss": loss}),
            *([] if ap is None else [self.evaluation("val", step, epoch, ap)]),
        )  # fmt: skip

    def succeed(self, lease: ledger.Lease, *, ap: float) -> None:
        """The whole of a run that ends with this AP on the test split."""
        self.train(lease, epoch=8, loss=0.7 - ap, ap=ap + 0.004)
        self.record(lease, self.evaluation("test", 160, 8, ap))
        self.hand.finish(lease)

    def evaluation(self, split: str, step: int, epoch: int, ap: float) -> EvaluationEvent:
        """All twelve numbers, derived from one."""
        keys = {"ap": 1.0, "ap50": 1.6, "ap75": 1.05, "ap_s": 0.5, "ap_m": 1.1, "ar_1": 0.9, "ar_10": 1.2}
        metrics = {key: min(0.99, ap * factor) for key, factor in keys.items()}
        return EvaluationEvent(
            time=1.0, split=split, step=step, epoch=epoch, evaluator="faster-coco-eval 1.8.0",
            dataset_hash="d" * 64, num_images=72, num_boxes=950,
            metrics={**metrics, "ap_l": None, "ar_100": 0.5, "ar_s": 0.2, "ar_m": 0.4, "ar_l": None},
        )  # fmt: skip

    def label(self, lease: ledger.Lease) -> tuple[str, int]:
        """The row and seed of the leased job."""
        with self.sessions() as session:
            job = session.get_one(Job, lease.job_id)
            return job.label, job.seed


@pytest.fixture
def actor(sessions: sessionmaker[Session], hand: "Hand") -> Actor:
    """Makes things happen."""
    return Actor(sessions, hand)


@pytest.fixture
def finished(actor: Actor, submit: "Submit", stored_checkpoint: Any) -> str:
    """The id of an experiment of two seeds that has ended, with a warning and stored weights."""
    experiment_id = submit(
        name="blood-cells", seeds=[0, 1, 2], tags=["blood", "voc"], submitted_by="Ada", dataset=DATASET
    )
    gains = {"teacher": 0.412, "none": 0.338, "frs": 0.351}
    for _ in range(7):
        lease = actor.hand.take()
        label, seed = actor.label(lease)
        if label == "frs" and seed == 0:
            actor.record(
                lease, WarningEvent(time=1.0, code="slow", message="images load slower than it trains")
            )
            stored_checkpoint(lease)
        actor.succeed(lease, ap=gains[label] + 0.0037 * seed * (1 if label == "none" else 1.6))
    return experiment_id


@pytest.fixture
def unfinished(actor: Actor, submit: "Submit", finished: str) -> str:
    """The id of an experiment with jobs running, failed and waiting. Its teacher is done."""
    methods = ["none", "frs", {"name": "frs", "label": "frs-strong", "options": {"feature_weight": 0.02}}]
    experiment_id = submit(name="street signs at 640x480", methods=methods, tags=["signs"], dataset=DATASET)
    actor.succeed(actor.hand.take(), ap=0.287)
    failing = actor.hand.take()
    actor.train(failing, epoch=2, loss=1.31, ap=0.04)
    actor.hand.finish(
        failing, state=AttemptState.FAILED, code="nonfinite_loss", field="schedule.optimizer.lr",
        reason="the loss of step 47 is not finite; lower schedule.optimizer.lr (it is 0.001)", retry=False,
    )  # fmt: skip
    actor.train(actor.hand.take(), epoch=5, loss=0.8312, ap=0.1913)
    return experiment_id
