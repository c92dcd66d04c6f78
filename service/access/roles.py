"""What a key allows."""

from enum import StrEnum


class Role(StrEnum):
    """Each may do what the ones before it may.

    A viewer reads everything. A submitter also submits, and changes what that key has submitted. An operator
    changes all experiments, jobs and workers. An admin also manages keys and quotas.
    """

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether who has this role may do what `other` may.

        >>> Role.OPERATOR.includes(Role.SUBMITTER), Role.VIEWER.includes(Role.SUBMITTER)
        (True, False)
        """
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)
