"""The client's verbs for rows of a comparison that come from outside."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from service.client.jobs import Job
from service.client.transport import Transport, segment

_EXPERIMENTS = "/api/v1/experiments"
UPLOAD_TIMEOUT_SECONDS = 600.0


class OutsideVerbs(Transport):
    """Adds and removes rows that were made elsewhere."""

    def score_predictions(
        self, experiment_id: str, label: str, content: bytes, *, note: str | None = None
    ) -> Job:
        """Queues the scoring of a file of predictions (COCO's results) as a row of that label."""
        fields = {"label": label} if note is None else {"label": label, "note": note}
        return self._add_external(
            experiment_id,
            files=[
                *((key, (None, value.encode())) for key, value in fields.items()),
                ("predictions", ("predictions.json", content)),
            ],
        )

    def evaluate_checkpoint(
        self, experiment_id: str, label: str, checkpoint: str, *, detector: Mapping[str, Any] | None = None
    ) -> Job:
        """Queues the evaluation of a checkpoint as a row of that label; by default it is a student's."""
        body: dict[str, Any] = {"label": label, "checkpoint": checkpoint}
        return self._add_external(
            experiment_id, json=body if detector is None else {**body, "detector": dict(detector)}
        )

    def cite(self, experiment_id: str, row: Mapping[str, Any]) -> None:
        """Shows published numbers as a row: `label`, `metrics` (fractions), `source` and perhaps `url`."""
        self._send(
            "POST",
            f"{_EXPERIMENTS}/{segment(experiment_id)}/cited",
            content=json.dumps(dict(row)),  # NaN too, so that the server can name its field
            headers={"Content-Type": "application/json"},
        )

    def remove_external(self, experiment_id: str, label: str) -> None:
        """Removes a row that was judged here, with all that its job stored."""
        self._send("DELETE", f"{_EXPERIMENTS}/{segment(experiment_id)}/external/{segment(label)}")

    def uncite(self, experiment_id: str, label: str) -> None:
        """Removes a cited row."""
        self._send("DELETE", f"{_EXPERIMENTS}/{segment(experiment_id)}/cited/{segment(label)}")

    def _add_external(self, experiment_id: str, **request: Any) -> Job:
        response = self._send(
            "POST",
            f"{_EXPERIMENTS}/{segment(experiment_id)}/external",
            headers={"Idempotency-Key": uuid.uuid4().hex},
            timeout=UPLOAD_TIMEOUT_SECONDS,
            retry=True,
            **request,
        )
        return self._read(response, Job)
