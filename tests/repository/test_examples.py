"""What lies in `examples/` is as it would be after a fresh checkout."""

import re
from pathlib import Path

import nbformat


def test_the_notebook_is_kept_without_outputs_and_paths_of_a_machine(repo_root: Path) -> None:
    [path] = (repo_root / "examples").glob("*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text())
