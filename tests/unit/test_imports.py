"""Who may import whom, and names that no module may have. Reads the sources; imports nothing."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each package, and which of the others it may import.
MAY_IMPORT = {
    "vlm": set(),
    "data": {"vlm"},
    "training": {"vlm", "data"},
    "evaluation": {"vlm", "data"},
    "app": {"vlm"},
    "benchmarks": {"vlm", "data", "training", "evaluation", "app"},
}
SOURCES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    """Full names of all modules that a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            found.add(node.module or "")
    return found


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[package] - {package} | {"tests"}
    wrong = [
        f"{shown(path)} imports {module}"
        for path in (ROOT / package).rglob("*.py")
        for module in sorted(imported_modules(path))
        if module.split(".")[0] in forbidden
    ]
    assert not wrong


def files_imported(path: Path) -> set[str]:
    """Our own files that a file imports: late imports and those for types alone count as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path)):
        if isinstance(node, ast.Import):
            names = [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(f"{node.module}.{alias.name}", node.module or "") for alias in node.names]
        else:
            continue
        for candidates in names:
            stems = [name.replace(".", "/") for name in candidates]
            files = [file for stem in stems for file in (f"{stem}.py", f"{stem}/__init__.py")]
            found |= {next((file for file in files if (ROOT / file).is_file()), "")} - {""}
    return found


def test_no_file_imports_itself_by_way_of_others() -> None:
    files = [path for path in SOURCES if shown(path).split("/")[0] != "benchmarks"]
    left = {shown(path): files_imported(path) for path in files}
    # What imports nothing that is left, or is imported by nothing left, is in no circle.
    while True:
        imported = {file for files in left.values() for file in files}
        free = {file for file, below in left.items() if not below & left.keys()}
        free |= left.keys() - imported
        if not free:
            break
        left = {file: below for file, below in left.items() if file not in free}
    assert not left.keys()


def test_only_the_app_knows_gradio_and_the_web() -> None:
    web = {"gradio", "fastapi", "starlette", "uvicorn"}
    wrong = [
        f"{shown(path)} imports {module}"
        for path in SOURCES
        if shown(path).split("/")[0] not in ("app", "benchmarks")
        for module in imported_modules(path)
        if module.split(".")[0] in web
    ]
    assert not wrong


def test_only_evaluation_knows_the_files_of_benchmarks_and_others_harnesses() -> None:
    packages = {"pyarrow", "rapidfuzz", "lmms_eval"}
    wrong = [
        f"{shown(path)} imports {module}"
        for path in SOURCES
        if shown(path).split("/")[0] != "evaluation"
        for module in imported_modules(path)
        if module.split(".")[0] in packages
    ]
    assert not wrong


def test_no_code_opens_a_pickle() -> None:
    wrong = [
        f"{shown(path)} imports {module}"
        for path in SOURCES
        for module in imported_modules(path)
        if module.split(".")[0] in {"pickle", "dill", "cloudpickle", "joblib", "shelve"}
    ]
    assert not wrong


def test_every_folder_of_sources_is_a_package() -> None:
    packages = {path.parent for path in SOURCES if shown(path).split("/")[0] != "benchmarks"}
    missing = [shown(folder) for folder in packages if not (folder / "__init__.py").is_file()]
    assert not missing


def test_no_package_hides_the_standard_library() -> None:
    names = {path.stem for path in ROOT.glob("*.py")} | set(MAY_IMPORT)
    assert not names & sys.stdlib_module_names


def test_tests_are_no_packages_and_hide_none() -> None:
    tests = ROOT / "tests"
    assert not list(tests.rglob("__init__.py"))
    folders = {path.name for path in tests.rglob("*") if path.is_dir()}
    assert not folders & MAY_IMPORT.keys()
    assert not {path.stem for path in tests.rglob("*.py")} & sys.stdlib_module_names


def test_git_and_the_build_do_not_ignore_our_packages() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    for package in MAY_IMPORT:
        assert not {package, f"{package}/", f"/{package}", f"/{package}/"} & set(ignored)


def test_nothing_asks_for_torchvision() -> None:
    """A torchvision that does not match torch's build breaks the import of transformers' models."""
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    wanted = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "torch==" in pinned
    for name in ("torchvision", "timm"):
        assert name not in pinned
        assert name not in wanted
    for path in SOURCES:
        assert not {m.split(".")[0] for m in imported_modules(path)} & {"torchvision", "timm"}
