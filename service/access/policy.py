"""What each route asks for, in one table. A route that is not in it is not served: the API does not start."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.access.caller import Caller
from service.access.roles import Role


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The least role. With `own` a submitter may only touch what its own key has submitted."""

    role: Role
    own: bool = False


PUBLIC = frozenset(
    {"healthz", "readyz", "static", "show_login", "log_in", "enter_with_ticket", "download_linked"}
)
"""Routes that ask for no key: whether the server is well, the pages' files, and the way in."""

_READ, _SUBMIT, _CHANGE, _OPERATE, _ADMINISTER = (
    Rule(role=Role.VIEWER),
    Rule(role=Role.SUBMITTER),
    Rule(role=Role.SUBMITTER, own=True),
    Rule(role=Role.OPERATOR),
    Rule(role=Role.ADMIN),
)

RULES: Mapping[str, Rule] = {
    # the caller itself
    "get_me": _READ,
    "create_ticket": _READ,
    "log_out": _READ,
    # what there is to read
    "openapi": _READ,
    "list_experiments": _READ,
    "get_experiment": _READ,
    "get_record": _READ,
    "get_comparison": _READ,
    "get_report": _READ,
    "compare_runs": _READ,
    "list_images": _READ,
    "get_image": _READ,
    "get_photograph": _READ,
    "list_jobs": _READ,
    "get_job": _READ,
    "list_job_metrics": _READ,
    "chart_job_metrics": _READ,
    "list_job_attempts": _READ,
    "list_job_events": _READ,
    "list_job_evaluations": _READ,
    "get_job_logs": _READ,
    "get_job_log_tail": _READ,
    "download_job_log": _READ,
    "list_checkpoints": _READ,
    "list_artifacts": _READ,
    "download_checkpoint": _READ,
    "download_artifact": _READ,
    "list_methods": _READ,
    "list_zoo": _READ,
    "list_refused": _READ,
    "list_workers": _READ,
    "list_datasets": _READ,
    "get_dataset": _READ,
    "get_dataset_version": _READ,
    "list_dataset_images": _READ,
    "get_dataset_photograph": _READ,
    "get_metrics": _READ,
    "get_storage": _READ,
    "get_retention": _READ,
    "link_artifact": _READ,
    "link_checkpoint": _READ,
    "get_usage": _READ,
    "stream_events": _READ,
    "stream_experiment_events": _READ,
    # the same on pages
    "show_experiments": _READ,
    "show_comparison": _READ,
    "show_compared_figures": _READ,
    "show_experiment": _READ,
    "show_figures": _READ,
    "show_images": _READ,
    "show_job": _READ,
    "show_log": _READ,
    "show_report": _READ,
    "show_workers": _READ,
    "show_storage": _READ,
    "show_datasets": _READ,
    "show_dataset": _READ,
    # what makes something new, from whatever is there
    "create_experiment": _SUBMIT,
    "create_job": _SUBMIT,
    "plan_experiment": _SUBMIT,
    "import_record": _SUBMIT,
    "clone_experiment": _SUBMIT,
    "clone_job": _SUBMIT,
    "predict": _SUBMIT,
    "import_checkpoint": _SUBMIT,
    "register_dataset": _SUBMIT,
    "upload_dataset": _SUBMIT,
    "show_form": _SUBMIT,
    "check_form": _SUBMIT,
    "edit_otherwise": _SUBMIT,
    "submit_form": _SUBMIT,
    # what changes an experiment or a job
    "change_experiment": _CHANGE,
    "archive_experiment": _CHANGE,
    "unarchive_experiment": _CHANGE,
    "delete_experiment": _CHANGE,
    "cancel_experiment": _CHANGE,
    "pause_experiment": _CHANGE,
    "resume_experiment": _CHANGE,
    "prioritise_experiment": _CHANGE,
    "extend": _CHANGE,
    "put_retention": _CHANGE,
    "delete_retention": _CHANGE,
    "add_external": _CHANGE,
    "delete_external": _CHANGE,
    "cite": _CHANGE,
    "uncite": _CHANGE,
    "cancel_job": _CHANGE,
    "pause_job": _CHANGE,
    "resume_job": _CHANGE,
    "prioritise_job": _CHANGE,
    # what changes a data set
    "archive_dataset": _CHANGE,
    "unarchive_dataset": _CHANGE,
    "delete_dataset": _CHANGE,
    "delete_dataset_version": _CHANGE,
    # whom to tell of ends
    "create_webhook": _SUBMIT,
    "list_webhooks": _SUBMIT,  # its own
    "get_webhook": _CHANGE,
    "replace_webhook": _CHANGE,
    "delete_webhook": _CHANGE,
    "rotate_webhook_secret": _CHANGE,
    "test_webhook": _CHANGE,
    "list_deliveries": _CHANGE,
    "get_delivery": _CHANGE,
    "redeliver": _CHANGE,
    "show_webhooks": _SUBMIT,
    # workers
    "drain_worker": _OPERATE,
    "undrain_worker": _OPERATE,
    "collect_garbage": _OPERATE,
    # who changed what
    "list_audit": _OPERATE,
    "show_audit": _OPERATE,
    # keys
    "create_key": _ADMINISTER,
    "list_keys": _ADMINISTER,
    "get_key": _ADMINISTER,
    "change_key": _ADMINISTER,
    "revoke_key": _ADMINISTER,
}


def may(caller: Caller, route: str, owner_key_id: str | None = None) -> bool:
    """Whether the caller may use that route, on a thing of that owner where the rule asks for one.

    What no key owns, as of the time before there were keys, is an operator's.
    """
    rule = RULES[route]
    if not caller.role.includes(rule.role):
        return False
    return not rule.own or caller.role.includes(Role.OPERATOR) or owner_key_id == caller.key_id
