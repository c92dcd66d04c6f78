"""Records of what was run, kept outside the service and taken in again.

A record is a folder: `experiment.json`, and for each ended job a folder with `job.json` and the files that
later statistics need. Nothing in it names a machine or a store.
"""

from service.records.form import FORMAT, ExperimentRecord, JobRecord, KeptFile, Recorded

__all__ = ["FORMAT", "ExperimentRecord", "JobRecord", "KeptFile", "Recorded"]
