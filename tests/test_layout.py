"""The house rules: floors, docstrings, one place for what changes fast, and nothing of the makers' machines in any file."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "copilot_lib"
FLOORS = {
    1: {"codec", "cursor", "fim", "formats", "gitignore", "literal", "samples", "show", "snippet", "stream"},  # text
    2: {
        "adapter_files",
        "drafts",
        "engine",
        "lora",
        "models",
        "ngrams",
        "onnx_graph",
        "onnx_runner",
        "runner",
        "sampling",
        "slots",
        "weights",
    },  # the model
    3: {
        "baselines",
        "completer",
        "context",
        "debounce",
        "engines",
        "gateway",
        "git_remote",
        "healing",
        "installed",
        "learnt",
        "memory",
        "postprocess",
        "registry",
        "repository",
        "settled",
        "stopping",
    },  # completing
    4: {
        "ablation",
        "agreement",
        "behaviour",
        "bench",
        "bpe",
        "card",
        "checkpoint",
        "claims",
        "combining",
        "compare_page",
        "contest",
        "contestants",
        "corpus",
        "evaluate",
        "examples",
        "export",
        "feedback",
        "forward",
        "frozen",
        "goals",
        "hardware",
        "harness",
        "measure",
        "metrics",
        "network",
        "paired",
        "pilots",
        "pretrain",
        "quality",
        "recipe",
        "replies",
        "report",
        "sample",
        "scoreboard",
        "speed",
        "split",
        "strata",
        "sweep",
        "tables",
        "tasks",
        "targets",
        "tuning",
    },  # learning, measuring
    5: {
        "__main__",
        "belonging",
        "chapter",
        "checks",
        "cli",
        "doctor",
        "editor",
        "lsp",
        "rpc",
        "server",
        "workspace",
    },  # serving, and for chapters
}
FLOOR = {name: number for number, names in FLOORS.items() for name in names}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts and path != PACKAGE / "__init__.py")
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def part(path: Path) -> str:
    """The name by which the plan knows a module: the file's, or that of the folder it is in."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """The parts of the package that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("copilot_lib.")}
        elif isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {part(folder / name.split(".")[0]) for name in names}
        elif isinstance(node, ast.ImportFrom) and node.module == "copilot_lib":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("copilot_lib."):
            found.add(node.module.split(".")[1])
    return found


def third_party(path: Path) -> set[str]:
    nodes = list(ast.walk(tree(path)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}


def test_every_module_stands_on_one_floor():
    assert len(FLOOR) == sum(len(names) for names in FLOORS.values())
    assert {part(path) for path in MODULES} <= set(FLOOR), "give the new module a floor"


@each_module
def test_a_module_imports_from_its_own_floor_or_below(path):
    above = {name for name in imported(path) if FLOOR[name] > FLOOR[part(path)]}
    assert not above, f"{part(path)} is on floor {FLOOR[part(path)]} and imports {above}"


@each_module
def test_a_module_says_its_job_and_what_it_does_not_know(path):
    docstring = ast.get_docstring(tree(path)) or ""
    sentences = re.split(r"(?<=[.:])\s+", docstring)
    assert len(sentences) >= 2, "one sentence for its job, one for what it does not know"
    assert re.search(r"\b(does|do) not\b|\bnever\b|\bknows? no\b", " ".join(sentences[1:])), docstring


def test_floors_one_and_two_keep_to_their_libraries():
    # What is text must not need a network, and what runs a network must not see text.
    heavy = {"torch", "transformers", "peft", "trl", "datasets"}
    for path in MODULES:
        if FLOOR[part(path)] == 1:
            assert not third_party(path) & heavy, f"{part(path)} is about text"
    for name in ("engine", "runner", "sampling"):
        assert "tokenizers" not in third_party(PACKAGE / f"{name}.py"), f"{name} is about ids"


def test_only_models_loads_models():
    loading = [path for path in MODULES if ".from_pretrained(" in path.read_text(encoding="utf-8")]
    assert {part(path) for path in loading} == {"models"}


def tracked() -> list[Path]:
    """The files of the project: those that git has, and new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


# Each pattern has a letter in brackets so that it does not find itself.
NOT_OURS = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~/])/(?:roo[t]|wor[k]|hom[e]|User[s]|op[t]/(?:pypi|wheels))/\w"),
    "the address of a package registry": re.compile(
        r"pypi\.or[g]/simple|files\.pythonhoste[d]|registry\.npmj[s]|download\.pytorc[h]|registry\.yarnpk[g]"
        r"|--(?:extra-)?index-ur[l]|--find-link[s] \w+:"
    ),
    "a word for how it was made, not for what it is": re.compile(r"\bsessio[n]s?\b", re.IGNORECASE),
}
AS_WRITTEN_ELSEWHERE = {
    "copilot_lib/editor/editor.bundle.js",
    "copilot_lib/scoreboard.json",
    "copilot_lib/pocket/tokenizer.json",
}
"""Files whose text is other people's, word for word."""


@pytest.mark.parametrize("what", NOT_OURS)
def test_no_file_holds(what):
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        data = path.read_bytes()
        if b"\0" in data or (what.startswith("a word") and name in AS_WRITTEN_ELSEWHERE):
            continue
        text = data.decode("utf-8")
        found += [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m.group()}" for m in NOT_OURS[what].finditer(text)]
    assert found == []


def test_the_patterns_find_what_they_are_for():
    samples = ["File /" + "root/x/a.py", "https://files." + "pythonhosted.org/x", "in this se" + "ssion"]
    for pattern, sample in zip(NOT_OURS.values(), samples, strict=True):
        assert pattern.search(sample)
    assert not any(
        pattern.search("see https://example.org/work/here, ~/work/a and src/home/b") for pattern in NOT_OURS.values()
    )


def test_no_file_is_large_but_the_model():
    """Its weights, the same in 8 bits, and those from before its rates fell, from which pretraining can go on."""
    names = (
        "copilot_lib/pocket/model.safetensors",
        "copilot_lib/pocket/model.onnx",
        "results/pocket/undecayed/model.safetensors",
    )
    large = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in tracked() if path.stat().st_size > 1_000_000}
    model = sum(large.pop(name, 0) for name in names)
    assert large == {}
    assert model <= 32_000_000


def test_the_top_level_holds_what_the_plan_names():
    wanted = {"book", "notebooks", "copilot_lib", "tests", "environment.yml", "_config.yml", "_toc.yml", "README.md"}
    tools = {"pyproject.toml", "constraints.txt", "Makefile", ".ci", ".gitignore", "LICENSE", "LICENSE-prose", "CHANGELOG.md"}
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} - {"results"} == wanted | tools
