"""The hands: Celery processes that claim jobs and supervise the child that runs each. They load no torch."""
