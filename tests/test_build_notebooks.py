"""The notebook builder: the same bytes twice, nothing that varies, and no notebook from a chapter that failed."""

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parent.parent
HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""


@pytest.fixture(scope="module")
def builder(load_script):
    return load_script("build_notebooks")


def chapter(folder: Path, *cells: str) -> Path:
    path = folder / "00_test.py"
    path.write_text(HEADER + "\n".join(f"# %%{cell}\n" for cell in cells), encoding="utf-8")
    return path


def test_two_runs_store_the_same_bytes_and_no_widget(builder, tmp_path):
    script = chapter(
        tmp_path, "\nimport ipywidgets\nipywidgets.IntSlider(3)", "\n1 + 1", "\n1 + 1", ' tags=["raises-exception"]\n1 / 0'
    )
    stored = builder.build(script)
    first = stored.read_bytes()
    notebook = nbformat.read(stored, as_version=4)
    assert builder.build(script).read_bytes() == first
    assert b"widget-view" not in first and b"widget-state" not in first and b"iopub" not in first
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4]
    assert notebook.cells[1].outputs[0].data == {"text/plain": "2"}
    assert notebook.cells[3].outputs[0].ename == "ZeroDivisionError"
    assert len({cell.id for cell in notebook.cells}) == 4
    assert script.stat().st_mtime >= stored.stat().st_mtime


def test_what_a_cell_prints_is_stored_in_one_piece(builder, tmp_path):
    script = chapter(tmp_path, '\nprint("245", end=" ", flush=True)\nprint("alarms", flush=True)')
    [output] = nbformat.read(builder.build(script), as_version=4).cells[0].outputs
    assert output.text == "245 alarms\n"


def test_a_new_cell_renames_no_other(builder):
    def ids(*sources):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        builder.name_cells(notebook)
        return [cell.id for cell in notebook.cells]

    before, after = ids("a", "b", "b"), ids("new", "a", "b", "b")
    assert after[1:] == before


def test_a_chapter_that_fails_leaves_its_notebook_alone(builder, tmp_path):
    script = chapter(tmp_path, "\nraise SystemError('broken')")
    stored = script.with_suffix(".ipynb")
    stored.write_text("old", encoding="utf-8")
    with pytest.raises(CellExecutionError, match="broken"):
        builder.build(script)
    assert stored.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00_test.ipynb", "00_test.py"]


def test_an_unknown_name_is_one_line(builder, capsys):
    assert builder.main(["99"]) == 2
    assert "no chapter begins with 99" in capsys.readouterr().err
