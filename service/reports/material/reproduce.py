"""How to run an experiment again, and what must then be equal."""

from service.reports.material import appendix
from service.reports.material.dossier import Dossier


def reproduce(dossier: Dossier) -> str:
    """Commands, what is exact and what is not, and the hashes to compare with."""
    root = dossier.spec.get("dataset", {}).get("root")
    data = f"- Put the data set where `dataset.root` says (`{root}`), or change that line.\n" if root else ""
    facts = "".join(f"- {name}: {value}\n" for name, value in appendix.provenance(dossier))
    return (
        "# How to run this again\n\n"
        f"1. Install FRS Distill {dossier.version}; the versions of what it trains with are below.\n"
        "2. Start it, and submit what this archive holds:\n\n"
        "```console\n$ frs up --detach\n$ frs submit experiment.yaml --follow\n"
        "$ frs report ID -f json -o again.json     # ID: what submit printed\n```\n\n"
        "   One run alone, without any service: `python -m frs_core.run runs/FOLDER/spec.yaml`; a student "
        "needs its teacher's weights in `teacher.checkpoint`.\n\n"
        "## What must be equal\n\n"
        "With the same versions, device and number of threads, on a CPU: every number, and the weights byte "
        "for byte. On a GPU, or with other versions, results differ as other seeds do: compare within the "
        "spread.\n\n"
        "The data set is the same where its hash is: the report's JSON has it as `dataset_hash`.\n\n"
        f"## What it ran with\n\n{data}{facts}"
    )
