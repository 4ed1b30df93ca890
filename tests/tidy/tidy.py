#!/usr/bin/env python3
"""Checks the rules of CONTRIBUTING.md that a compiler does not: layering, lengths, banned calls, headers that stand alone.

usage: tidy.py SOURCE_DIR [--compiler CXX --include DIR...]     exit status 1 if a rule is broken
       tidy.py --self-test                                      proves that each rule can fail
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
TEST_FUNCTION_LINES_MAX = 120  # A test case is a story; splitting it hides the order.

CODE_SUFFIXES = {".cpp", ".h"}
OTHER_SUFFIXES = {".ts", ".tsx", ".js", ".mjs", ".css", ".sh", ".py", ".cmake"}
SKIPPED_PARTS = {"node_modules", "dist", "build", "corpus", "out", ".git"}
TOP_LEVEL = re.compile(r"(\..*|CMakeLists\.txt|CMakePresets\.json|appliance|storage|exporter|web|tests|packaging|build|out|[A-Z]+\.md|LICENSE)$")

# What a folder may include of ours. Longest prefix wins.
LAYERS = {
    "appliance/base": {"base"},
    "storage": {"base", "storage"},
    "exporter": {"base", "exporter"},
    "appliance": {"base", "storage", "exporter", "appliance", "web"},
    "web": {"base", "web"},
    "tests/hostsim": {"base", "tests"},
    "tests": {"base", "storage", "exporter", "appliance", "web", "tests"},
}

# A call and the files that may make it. Tests may do as they like unless the rule says "tests too".
BANNED = [
    (r"\bsystem_clock::now\b", ("appliance/base/clock.cpp",), "take a Clock"),
    (r"\bsteady_clock::now\b", ("appliance/base/clock.cpp",), "take a Clock"),
    (r"\bstd::random_device\b|\b(?:std::)?s?rand\s*\(", (), "take a Random"),
    (r"\bgetrandom\s*\(", ("appliance/base/random.cpp",), "take a Random"),
    (r"\bthis_thread::sleep_|\busleep\s*\(|\bnanosleep\s*\(", (), "use Clock::sleep_for"),
    (r"\bstd::[io]?fstream\b|\bfopen\s*\(", (), "use base/file_system.h"),
    (r"\bstd::system\s*\(|\bpopen\s*\(", (), "start processes without a shell"),
    (r"\bstrcpy\s*\(|\bsprintf\s*\(|\bstrcat\s*\(|\bgets\s*\(", (), "bounds"),
    (r"\bcurl_easy_", ("exporter/wsman/curl_", "appliance/ctl/"), "one file per library"),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)", ("storage/", "exporter/wsman/curl_", "appliance/"), "say what is caught"),
    (r"\busing namespace\b", (), "no using namespace"),
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", (), "no promise without an issue"),
]
USING_NAMESPACE_ALLOWED = re.compile(r"using namespace (std::chrono|std::chrono_literals|std::string_literals|std::string_view_literals|Poco::Data::Keywords|entrepot(::\w+)*)\s*;")


class Findings:
    def __init__(self):
        self.items = []

    def add(self, path, line, text):
        self.items.append(f"{path}:{line}: {text}")


def strip_code(text):
    """The text with comments and literals blanked out, line breaks kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
    return pattern.sub(lambda m: '""' + "\n" * m.group(0).count("\n"), text)


def layer_of(path):
    best = max((prefix for prefix in LAYERS if path.startswith(prefix + "/")), key=len, default=None)
    return LAYERS[best] if best else None


def check_includes(path, text, findings):
    allowed = layer_of(path)
    if allowed is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*["<](base|storage|exporter|appliance|web|tests)/', line)
        if match and match.group(1) not in allowed:
            findings.add(path, number, f"includes {match.group(1)}/ against the layering")
        if re.match(r'\s*#\s*include\s*"\.\.?/', line):
            findings.add(path, number, "includes by a relative path")


def check_functions(path, code, limit, findings):
    """Finds functions by their braces: a block whose head ends in a parameter list, outside of another function."""
    stack = []  # (is_function, start line)
    head = ""
    line = 1
    in_function = 0
    for character in code:
        if character == "\n":
            line += 1
        if character == "{":
            text = head.strip()
            is_scope = re.search(r"\b(namespace|class|struct|union|enum)\b[^;(){}]*$", text) is not None
            is_call = re.search(r"\)\s*(const|noexcept|override|final|mutable|->\s*[\w:<>,&*\s]+|:[^;]*|\s)*$", text) is not None
            is_function = in_function == 0 and not is_scope and (is_call or text.startswith("TEST_CASE"))
            stack.append((is_function, line, text))
            in_function += is_function
            head = ""
        elif character == "}":
            if stack:
                is_function, start, text = stack.pop()
                if is_function:
                    in_function -= 1
                    if line - start + 1 > limit:
                        name = re.sub(r"\s+", " ", text)[-80:]
                        findings.add(path, start, f"function of {line - start + 1} lines (at most {limit}): {name}")
            head = ""
        elif character == ";":
            head = ""
        else:
            head += character


def check_banned(path, code, findings):
    if path.startswith("tests/") and not path.startswith("tests/hostsim/"):
        rules = [rule for rule in BANNED if rule[2] in ("use Clock::sleep_for", "no promise without an issue")]
    else:
        rules = BANNED
    for number, line in enumerate(code.splitlines(), 1):
        for pattern, homes, cure in rules:
            if not re.search(pattern, line) or any(path.startswith(home) for home in homes):
                continue
            if cure == "no using namespace" and USING_NAMESPACE_ALLOWED.search(line) and not path.endswith(".h"):
                continue
            if path.startswith("tests/hostsim/") and cure in ("take a Clock", "use base/file_system.h", "take a Random", "use Clock::sleep_for", "say what is caught"):
                continue  # The simulator is a machine of its own; it keeps its own time.
            findings.add(path, number, f"{line.strip()[:60]}: {cure}")


def check_own_header_first(path, text, root, findings):
    header = pathlib.PurePath(path).with_suffix(".h")
    if path.endswith(".cpp") and (root / header).exists():
        first = re.search(r'^\s*#\s*include\s*["<]([^">]+)', text, re.M)
        if first is None or not str(header).endswith(first.group(1)):
            findings.add(path, 1, f"does not include {header.name} first")


def check_first_line(path, text, findings):
    if not text.startswith("//") and not text.startswith("/*"):
        findings.add(path, 1, "does not say in its first line what it is")


def source_files(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not SKIPPED_PARTS & set(relative.parts):
            yield path, str(relative)


def check_tree(root, findings):
    for entry in sorted(root.iterdir()):
        if not TOP_LEVEL.match(entry.name):
            findings.add(entry.name, 1, "outside the agreed top level")
    for file, path in source_files(root):
        if file.suffix not in CODE_SUFFIXES | OTHER_SUFFIXES or not path.count("/"):
            continue
        text = file.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            findings.add(path, lines, f"{lines} lines (at most {FILE_LINES_MAX})")
        if file.suffix not in CODE_SUFFIXES:
            continue
        code = strip_code(text)
        check_first_line(path, text, findings)
        check_includes(path, text, findings)
        check_functions(path, code, TEST_FUNCTION_LINES_MAX if path.startswith("tests/unit") else FUNCTION_LINES_MAX, findings)
        check_banned(path, code, findings)
        check_own_header_first(path, text, root, findings)
        if file.suffix == ".h" and "#pragma once" not in text:
            findings.add(path, 1, "has no #pragma once")


def check_headers_alone(root, compiler, includes, findings):
    """A header beside a .cpp is compiled first in it; the others are compiled here."""
    for file, path in source_files(root):
        if file.suffix != ".h" or file.with_suffix(".cpp").exists():
            continue
        command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-x", "c++", str(file)]
        result = subprocess.run(command + [f"-I{directory}" for directory in includes], capture_output=True, text=True)
        if result.returncode != 0:
            findings.add(path, 1, "does not compile alone: " + result.stderr.strip().splitlines()[0])


def self_test():
    bad = {
        "storage/disk/a.cpp": ('// a\n#include "exporter/x.h"\n', "against the layering"),
        "storage/disk/b.cpp": ("// b\nvoid f() {\n" + "g();\n" * 80 + "}\n", "function of"),
        "storage/disk/c.cpp": ("// c\n" + "int x;\n" * 700, "at most 600"),
        "storage/disk/d.cpp": ("// d\nvoid f() { std::random_device d; }\n", "take a Random"),
        "storage/disk/e.h": ("// e\nint x;\n", "#pragma once"),
        "storage/disk/f.cpp": ("int x;\n", "first line"),
        "storage/disk/g.cpp": ('// g\n#include "base/bytes.h"\n', "first"),
        "storage/disk/g.h": ("// g\n#pragma once\n", None),
        "tests/hostsim/h.cpp": ('// h\n#include "storage/disk/g.h"\n', "against the layering"),
        "stray.txt": ("", "top level"),
        "storage/disk/i.h": ("// i\n#pragma once\nUnknown x;\n", "compile alone"),
    }
    good = {"storage/disk/ok.cpp": "// ok\nnamespace a {\nstruct B {\n" + "int x;\n" * 90 + "};\nint f() { return 1; }\n}\n"}
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for path, text in [(p, t) for p, (t, _) in bad.items()] + list(good.items()):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        findings = Findings()
        check_tree(root, findings)
        check_headers_alone(root, "c++", [], findings)
        for path, (_, expected) in bad.items():
            if expected and not any(item.startswith(path + ":") and expected in item for item in findings.items):
                sys.exit(f"self-test: {path} was not found guilty of '{expected}'")
        for path in good:
            if any(item.startswith(path + ":") for item in findings.items):
                sys.exit(f"self-test: {path} was found guilty")
    print("tidy self-test: every rule can fail")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="?")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--compiler")
    parser.add_argument("--include", action="append", default=[])
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    findings = Findings()
    root = pathlib.Path(arguments.source)
    check_tree(root, findings)
    if arguments.compiler:
        check_headers_alone(root, arguments.compiler, arguments.include, findings)
    print("\n".join(findings.items) or "tidy: nothing found")
    sys.exit(1 if findings.items else 0)


if __name__ == "__main__":
    main()
