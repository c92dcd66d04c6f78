"""What is sent, in two forms: `json`, for programs, and `slack`, for people. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.db.notices import EXPERIMENT_FINISHED, TEST

VERSION = 1
"""Of the `json` form: it grows when a receiver that knew the former one could misread it."""

MAX_REASON = 500
_MENTION = re.compile(r"@(?=channel|here|everyone|all\b)", re.IGNORECASE)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, kw_only=True)
class Happening:
    """An event as it is told. `data` is JSON: what the event is about, by `job` and `experiment`."""

    event_id: str
    event: str
    moment: datetime
    data: Mapping[str, Any]


def json_body(happening: Happening) -> str:
    """The event with everything that is known of it; fractions, unrounded."""
    document = {
        "type": happening.event,
        "version": VERSION,
        "id": happening.event_id,
        "timestamp": happening.moment.isoformat(),
        "data": happening.data,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def slack_body(happening: Happening) -> str:
    """One message for Slack, and for what takes the same: Mattermost, Rocket.Chat, Discord's /slack."""
    tell = {EXPERIMENT_FINISHED: _experiment, TEST: _test}.get(happening.event, _job)
    return json.dumps({"text": tell(happening.data)}, ensure_ascii=False)


PAYLOADS: Mapping[str, Callable[[Happening], str]] = {"json": json_body, "slack": slack_body}
"""By the name that a webhook gives."""


def plain(text: str) -> str:
    """Text in which Slack finds nothing to obey: no link, no mention, no second line.

    >>> plain("<!channel> a & b @here")
    '&lt;!channel&gt; a &amp; b @\\u200bhere'
    """
    return _MENTION.sub("@\u200b", " ".join(text.split()).translate(_ESCAPES))


def _link(url: str, name: str) -> str:
    return f"<{url}|{plain(name).replace('|', '¦')}>"


def _test(data: Mapping[str, Any]) -> str:
    return f"A test of the webhook {plain(data['webhook']['name'])}: messages of FRS Distill arrive here."


def _job(data: Mapping[str, Any]) -> str:
    job, experiment = data["job"], data["experiment"]
    where = "" if experiment is None else f" of {_link(experiment['url'], experiment['name'])}"
    reason = f": {plain(job['reason'][:MAX_REASON])}" if job["reason"] else ""
    aps = ", ".join(
        f"{_points(found['ap'])} AP on {split}"
        for split, found in job["results"].items()
        if found["ap"] is not None and job["state"] == "succeeded"
    )
    return (
        f"{_link(job['url'], job['name'])}{where} {_ENDED[job['state']]}{reason}{f', {aps}' if aps else ''}"
    )


_ENDED = {"succeeded": "has succeeded", "failed": "has *failed*", "cancelled": "was cancelled"}


def _experiment(data: Mapping[str, Any]) -> str:
    experiment = data["experiment"]
    counts = ", ".join(f"{number} {state}" for state, number in experiment["job_states"].items())
    parts = [f"{_link(experiment['url'], experiment['name'])} has finished ({counts})."]
    if experiment["verdict"]:
        parts.append(plain(experiment["verdict"]))
    if (best := experiment["best"]) is not None:
        delta = best["delta_ap"]
        over = "" if delta is None else f", {_signed(delta)} over {plain(experiment['baseline'])}"
        seeds = f"{best['n']} seed{'' if best['n'] == 1 else 's'}"
        parts.append(f"Best: {plain(best['label'])} with {_points(best['ap'])} AP{over}, {seeds}.")
    return " ".join(parts)


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _signed(fraction: float) -> str:
    return f"{100 * fraction:+.1f}".replace("-", "−")
