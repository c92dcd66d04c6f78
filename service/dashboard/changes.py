"""What an entry of the audit trail says changed, in words."""

import json
from typing import Any

from service.dashboard.numbers import size
from service.db.models import AuditEntry

MAX_WORDS = 300


def changes(entry: AuditEntry) -> list[str]:
    """What changed, a line for each thing: `tags: a → b`; of what came or went, what it is."""
    before, after = entry.before, entry.after
    if before is None and after is None:
        return []
    if before is None or after is None:
        told = after if before is None else before
        return [f"{'new' if before is None else 'gone'}: {_short(_named(told or {}))}"]
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [line for key in keys for line in _line(key, before.get(key), after.get(key))]


def _line(key: str, before: Any, after: Any) -> list[str]:
    if key != "jobs" or not isinstance(before, dict) or not isinstance(after, dict):
        return [f"{_words(key)}: {_short(before)} → {_short(after)}"]
    moved: dict[str, int] = {}
    for job_id in {**before, **after}:
        one, other = before.get(job_id), after.get(job_id)
        if not isinstance(one, dict) or not isinstance(other, dict):
            how = "added" if one is None else "removed"
            moved[how] = moved.get(how, 0) + (1 if isinstance(one or other, dict) else int(one or other or 0))
            continue
        for name in ("state", "desired_state", "priority"):
            if one.get(name) != other.get(name):
                how = f"{_words(name)} {one.get(name)} → {other.get(name)}"
                moved[how] = moved.get(how, 0) + 1
    return [
        f"{_counted(num)}{' ' if how in ('added', 'removed') else ': '}{how}" for how, num in moved.items()
    ]


def _named(told: dict[str, Any]) -> Any:
    shown = ("name", "label", "kind", "role", "tags", "priority", "plan")
    found = {key: told[key] for key in told if key in shown or key.startswith("from_")}
    words = [f"{_words(key)} {_short(value)}" for key, value in found.items() if value not in ([], 0)]
    words += [_counted(told[f"num_{noun}s"], noun) for noun in ("job", "file") if f"num_{noun}s" in told]
    return ", ".join([*words, size(told["freed_bytes"])] if "freed_bytes" in told else words)


def _counted(num: int, noun: str = "job") -> str:
    return f"{num} {noun if num == 1 else noun + 's'}"


def _words(key: str) -> str:
    return key.replace("_", " ")


def _short(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "–" if value is None else text
    return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}…"
