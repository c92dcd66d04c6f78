"""The queue of wake-ups: its names, and Celery's settings for those who send and those who work.

A message says "look into the ledger"; it may be lost, late or repeated without harm: the row is the truth.
"""

from celery import Celery
from kombu import Queue

from service.settings import Settings

APP_NAME = "frs"
QUEUE = "frs"
WAKE_TASK = "frs.wake"
NO_BROKER_URL = "memory://localhost/"
CONNECT_SECONDS = 4.0
_QUICK_RETRIES = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5}


def make_celery(settings: Settings) -> Celery:
    """A Celery application for `settings.broker_url`.

    Without a broker it talks to an in-memory one that nobody else hears: workers poll the ledger instead.
    """
    app = Celery(APP_NAME, set_as_current=False)
    app.conf.update(
        broker_url=settings.broker_url or NO_BROKER_URL,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(settings.broker_url),
        result_backend=None,
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE)],
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry_policy=_QUICK_RETRIES,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=settings.grace_seconds,
        worker_lost_wait=1.0,
    )
    return app


def send_wakeup(app: Celery, job_id: str) -> None:
    """Tell one worker that there is work.

    Raises kombu.exceptions.OperationalError, within seconds, when the broker cannot be reached.
    """
    app.send_task(WAKE_TASK, args=[job_id], queue=QUEUE)


def _transport_options(broker_url: str) -> dict[str, float | bool]:
    if not broker_url.startswith("redis"):
        return {}
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": 10.0,
        "socket_keepalive": True,
        **_QUICK_RETRIES,
    }
