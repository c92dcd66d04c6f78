"""The queue of wake-ups: its names, and Celery's settings for those who send and those who work.

A message says "look into the ledger"; it may be lost, late or repeated without harm: the row is the truth.
The address chooses the broker: Redis, or RabbitMQ, where the queue is a quorum queue.
"""

from urllib.parse import urlsplit

from amqp.exceptions import PreconditionFailed
from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from service.settings import Settings

APP_NAME = "frs"
QUEUE = "frs"
WAKE_TASK = "frs.wake"
NO_BROKER_URL = "memory://localhost/"
CONNECT_SECONDS = 4.0
CONFIRM_SECONDS = 4.0
ANSWER_SECONDS = 5.0
"""For a RabbitMQ that was asked something: it may leave even the end of a channel unanswered for a minute."""
HEARTBEAT_SECONDS = 20.0
"""RabbitMQ ends a connection that is silent for twice as long, and a worker one whose broker is."""
RABBITMQ_SCHEMES = frozenset({"amqp", "amqps", "pyamqp"})
_QUORUM = {"x-queue-type": "quorum"}
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
        broker_heartbeat=HEARTBEAT_SECONDS,
        broker_transport_options=_transport_options(settings.broker_url),
        result_backend=None,
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE, queue_arguments=_QUORUM if is_rabbitmq(settings.broker_url) else None)],
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry_policy=_QUICK_RETRIES,
        worker_prefetch_multiplier=1,
        # Whoever reaches the broker could otherwise stop workers; and RabbitMQ would refuse the control queue
        # of a worker that comes back under its name while the broker still believes in the one before.
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=settings.grace_seconds,
        worker_lost_wait=1.0,
    )
    return app


def send_wakeup(app: Celery, job_id: str) -> None:
    """Tell one worker that there is work.

    Raises OSError or kombu.exceptions.OperationalError, within seconds, when the broker cannot be reached,
    does not say that it has the message, or has a queue of this name that is another kind of queue.
    """
    try:
        app.send_task(WAKE_TASK, args=[job_id], queue=QUEUE, confirm_timeout=CONFIRM_SECONDS)
    except PreconditionFailed as error:
        raise OperationalError(f"{other_kind_of_queue()} ({error})") from error


def other_kind_of_queue() -> str:
    """What is wrong where RabbitMQ refuses our queue."""
    return (
        f"the broker has a queue {QUEUE} that is no quorum queue: delete it "
        f"(`rabbitmqctl delete_queue {QUEUE}`; workers find their jobs without it), "
        "or give FRS_BROKER_URL a virtual host of its own"
    )


def is_rabbitmq(broker_url: str) -> bool:
    """Whether the address is that of a RabbitMQ.

    >>> is_rabbitmq("amqp://frs@rabbit/frs"), is_rabbitmq("redis://redis:6379/0")
    (True, False)
    """
    return urlsplit(broker_url).scheme in RABBITMQ_SCHEMES


def _transport_options(broker_url: str) -> dict[str, float | bool]:
    if is_rabbitmq(broker_url):
        waits = {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}
        return {"confirm_publish": True, **waits, **_QUICK_RETRIES}
    if not broker_url.startswith("redis"):
        return {}
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": 10.0,
        "socket_keepalive": True,
        **_QUICK_RETRIES,
    }
