# SPDX-License-Identifier: Apache-2.0
"""Every command of every page runs as pasted, each page by itself, and prints what the page shows.

The ```sh blocks of a page run in one shell, in order, in an empty directory with a state of its own.
Of a ```json block behind one each line is an answer or a header: this run's must have the same members
and the same known words, with other ids and times. So must the lines of an ```event-stream block. A
```text block is all that was printed, and only its numbers may differ. Nothing is refused but where
the page shows the refusal.
"""
import concurrent.futures
import json
import re
import subprocess

import pytest
import yaml

from page import HOUSE, Page, pages, tracked
from place import Place

README_BYTES = 16 * 1024
AT_ONCE = 4  # pages that run at a time
MARK = "==== end of block"
REFUSED = "/problems/"
# What differs from run to run.
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|(?<=onra_)\w+")
PAGES = pages()
RUN = [page for page in PAGES if page.commands()]


def named(found):
    return [pytest.param(page, id=page.name) for page in found]


def constant(line, kind):
    """The line without what differs from run to run; None when it is not compared."""
    if kind == "text":
        return re.sub(r"[\d.]*\d", "N", line)
    if kind == "event-stream":
        line = re.sub(r"^id: .*", "id: *", line)
        field, space, value = line.partition("data: ")
        return field + space + constant(value, "json") if space and not field else line
    if line.startswith("{"):
        return CHANGING.sub("*", json.dumps(json.loads(line), sort_keys=True))
    return line if line.startswith(("HTTP", "Idem")) else None


def comparable(text, kind):
    return [line for line in (constant(line, kind) for line in text.splitlines())
            if line is not None]


def paste(page):
    """The shell in which the commands of a page have run, a mark behind the output of each block."""
    script = "set -eu\n" + "".join(f"{block.text}\necho '{MARK}'\n" for block in page.commands())
    with Place() as place:
        ran = subprocess.run(["bash", "-c", script], cwd=place.directory, env=place.environment,
                             text=True, capture_output=True, timeout=150, check=False)
    return ran


@pytest.fixture(scope="module")
def pasted(request):
    """{name: a page that runs}, of those that are asked for; the longest first, some at a time."""
    chosen = [item.callspec.params["page"] for item in request.session.items
              if getattr(item, "originalname", "") == test_a_page_runs_as_pasted.__name__]
    chosen.sort(key=lambda page: -sum(len(block.text) for block in page.commands()))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {page.name: pool.submit(paste, page) for page in chosen}


@pytest.mark.parametrize("page", named(RUN))
def test_a_page_runs_as_pasted(page, pasted):
    ran = pasted[page.name].result()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outputs = ran.stdout.split(MARK + "\n")[:-1]
    for block, output in zip(page.commands(), outputs, strict=True):
        where = f"{page.name}, line {block.line}:\n{block.text}{output}"
        if block.output is None:
            assert REFUSED not in output, where
            continue
        expected = comparable(block.output.text, block.output.kind)
        assert expected, where
        assert comparable(output, block.output.kind) == expected, where


@pytest.mark.parametrize("page", named(PAGES))
def test_every_block_is_run_or_checked_or_only_shown(page):
    assert page.faults == []


@pytest.mark.parametrize("text, fault", [
    ("```bash\nls\n```\n", "of kind 'bash'"),
    ("```console\n$ ls\n```\n", "of kind 'console'"),
    ("```\nls\n```\n", "of kind ''"),
    ("```text\n$ ls\n```\n", "commands in a block"),
    ("```text\n./onramp up\n```\n", "commands in a block"),
    ("```json\n{}\n```\n", "of kind 'json'"),
    ("```sh\nls\n```\nand\n```json\n{}\n```\n", "of kind 'json'"),
    ("- so:\n  ```sh\n  ls\n  ```\n", "is indented"),
    ("```sh\nls\n", "has no end"),
])
def test_a_block_that_nobody_runs_is_found(text, fault):
    assert [found for found in Page("page.md", text).faults if fault in found]


def test_a_block_behind_commands_is_their_output():
    page = Page("page.md", "```sh\nls\n```\n\n```text\nonramp\n```\n```text\na drawing\n```\n")
    assert [block.output and block.output.text for block in page.blocks] == ["onramp\n", None, None]
    assert page.faults == []


def broken(page):
    """The links of a page that lead nowhere."""
    anchors = {each.name: each.anchors() for each in PAGES} | {page.name: page.anchors()}
    return [(path, anchor) for path, anchor in page.links()
            if not (path in anchors or (HOUSE / path).exists())
            or anchor and anchor not in anchors.get(path, ())]


@pytest.mark.parametrize("page", named(PAGES))
def test_links_between_pages_lead_somewhere(page):
    assert broken(page) == []


@pytest.mark.parametrize("target, good", [
    ("README.md", True), ("../README.md", True), ("#two-words-it-has", True), ("../docs", True),
    ("../docs/partners.md#webhooks", True), ("https://example.com/none", True),
    ("#none", False), ("none.md", False), ("../docs/partners.md#none", False),
    ("../LICENSE#none", False),
])
def test_a_link_that_leads_nowhere_is_found(target, good):
    page = Page("db/page.md", f"# Two words, it has\n\n[there]({target}) and `[not]({target}s)`\n")
    assert (broken(page) == []) == good


def test_the_index_has_every_page_of_its_folder():
    index = next(page for page in PAGES if page.name == "docs/README.md")
    linked = {path for path, _ in index.links()}
    assert {page.name for page in PAGES if page.name.startswith("docs/")} - linked == {index.name}


def test_pages_that_other_files_name_are_there():
    """Comments, messages and the contract send readers to pages, and to places in them."""
    anchors = {page.name: page.anchors() for page in PAGES}
    named_somewhere = set()
    for name in tracked():
        text = (HOUSE / name).read_text(errors="ignore")
        for path, anchor in re.findall(r"(?<![\w/.-])(docs/[\w/-]+\.md)(?:#([\w-]+))?", text):
            named_somewhere.add(path)
            assert path in anchors and (not anchor or anchor in anchors[path]), (name, path, anchor)
    assert named_somewhere


def test_the_readme_is_short():
    assert (HOUSE / "README.md").stat().st_size <= README_BYTES


def asked_for():
    """[(method, path)] of the lines of the API's page, with {} for what the shell fills in."""
    found = []
    for line in "".join(block.text for block in Page("docs/api.md").commands()).splitlines():
        target = re.search(r"\$ONRAMP_URL(/[^\s\"?]*)", line)
        if target:
            method = re.search(r"-X (\w+)", line)
            posts = "POST" if "--json" in line else "GET"
            path = re.sub(r"\$\w+", "{}", target[1])
            found.append((method[1] if method else posts, path))
    return found


def test_every_operation_has_a_line():
    document = yaml.safe_load((HOUSE / "openapi/openapi.yaml").read_text())
    lines = asked_for()
    for path, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for method in item:
            asked = [p for m, p in lines if m == method.upper() and pattern.fullmatch(p)]
            assert asked, f"docs/api.md: no line is {method.upper()} {path}"


def named_benchmarks():
    return sorted(set(re.findall(r"`(?:[\w./]+ )?(bench/\w+)", Page("docs/performance.md").prose)))


@pytest.mark.parametrize("name", named_benchmarks())
def test_a_benchmark_says_what_it_measures(name):
    done = subprocess.run([HOUSE / name, "--help"], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0 and name.rpartition("/")[2] in done.stdout, done
