# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a compiler does not check.

Dependencies point one way, each library is included in one place, one word names an operation
everywhere, and a copy of anything that the database decides is equal to the original.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import unicodedata

import pytest
import yaml

HOUSE = pathlib.Path(__file__).resolve().parents[2]
LAYERS = {
    "base": {"base"},
    "http": {"http", "base"},
    "crypto": {"crypto", "base"},
    "db": {"db", "crypto", "base"},
    "operations": {"operations", "db", "crypto", "base"},
    "circuits": {"circuits", "operations", "db", "crypto", "base"},
    "partners": {"partners", "circuits", "operations", "db", "crypto", "base"},
    "webhooks": {"webhooks", "circuits", "operations", "db", "crypto", "base"},
    "simulator": {"simulator", "partners", "circuits", "operations", "db", "crypto", "base"},
    "api": {"api", "http", "circuits", "partners", "webhooks", "operations", "db", "crypto",
            "base"},
    "cli": {"cli", "api", "simulator", "circuits", "partners", "webhooks", "http", "operations",
            "db", "crypto", "base"},
}
# Who alone may include a library's header: folders and files.
LIBRARIES = {
    "curl/curl.h": {"webhooks", "simulator"},
    "microhttpd.h": {"http/library.c", "simulator/receiver.c"},
    "libpq-fe.h": {"db"},
}
TOP = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CHANGELOG.md", "onramp", "api",
    "base", "cli", "crypto", "docs", "http", "circuits", "partners", "webhooks", "simulator",
    "operations", "db", "migrations", "tests", "bench", "openapi",
}
# Functions of the database that no route names, and who calls them instead.
NOT_ROUTED = {
    "batch_lock": "db/",
    "callback_apply_each": "partners/",
    "catalogue_load": "cli/",
    "callback_secret_list": "partners/",
    "callback_memory_sweep": "partners/",
    "conditional_call": "operations/",
    "conditional_call_each": "operations/",
    "delivery_claim": "webhooks/",
    "delivery_record": "webhooks/",
    "delivery_sweep": "webhooks/",
    "event_month_sweep": "circuits/",
    "feed_sweep": "circuits/",
    "feed_tail": "circuits/",
    "idempotency_sweep": "operations/",
    "circuit_create_each": "circuits/",
    "circuit_get_each": "circuits/",
    "circuit_stall": "circuits/",
    "commit_check": "api/",
    "connection_create_each": "circuits/",
    "connection_delete_each": "circuits/",
    "customer_get": "circuits/",
    "retention_list": "cli/",
    "retention_set": "cli/",
    "schema_ready": "api/",
    "seal_key_add": "cli/",
    "seal_key_drop": "cli/",
    "seal_key_list": "cli/",
    "secret_reseal": "cli/",
    "secret_stale_count": "cli/",
    "secret_stale_list": "cli/",
    "token_check": "api/",
}


def tracked():
    listed = subprocess.run(["git", "-C", HOUSE, "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], capture_output=True, check=True).stdout
    return [pathlib.Path(name) for name in listed.decode().split("\0")
            if name and (HOUSE / name).exists()]


def sources(*folders):
    return [path for path in tracked()
            if path.suffix in (".c", ".h") and path.parts[0] in folders]


def includes(path):
    text = (HOUSE / path).read_text()
    return re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', text, re.M)


def the_c_of(*folders):
    return "\n".join((HOUSE / path).read_text() for path in sources(*folders))


def sql_files():
    return {path.stem: path.read_text() for path in (HOUSE / "migrations/functions").glob("*.sql")}


def sql_functions():
    """The functions of the API: those that the daemon may call."""
    return {name for name, text in sql_files().items() if f"ON FUNCTION {name} TO onramp_daemon" in text}


def openapi():
    return yaml.safe_load((HOUSE / "openapi/openapi.yaml").read_text())


def program():
    """The onrampd that was built; the tests that need it are skipped without."""
    path = pathlib.Path(os.environ.get("ONRAMPD") or HOUSE / "build/test/onrampd")
    if not path.exists():
        pytest.skip(f"there is no {path}")
    return path


def routes():
    """(method, path, operation) of each line of the route table; None for what is served at once."""
    printed = subprocess.run([program(), "--dump-operations"], capture_output=True, check=True).stdout
    return [(route["method"], route["path"], route["name"]) for route in json.loads(printed)]


@pytest.mark.parametrize("layer", LAYERS)
def test_dependencies_point_one_way(layer):
    found = [path for path in sources(layer)]
    assert found, f"no sources in {layer}"
    for path in found:
        for name in includes(path):
            folder = name.split("/")[0]
            if "/" in name and folder in LAYERS:
                assert folder in LAYERS[layer], f"{path} includes {name}"


def test_the_layers_have_a_bottom_and_no_circle():
    left = {layer: below - {layer} for layer, below in LAYERS.items()}
    while left:
        lowest = {layer for layer, below in left.items() if not below & left.keys()}
        assert lowest, f"a circle: {left}"
        left = {layer: below for layer, below in left.items() if layer not in lowest}


def symbols(build, layer):
    """(those that its objects define, those that they want) as the linker sees them."""
    archive = build / layer / f"libonramp_{layer}.a"
    # A build folder keeps the objects of sources that have gone.
    objects = [archive] if archive.exists() else [
        path for path in (build / layer).rglob("*.c.o") if (HOUSE / layer / path.stem).exists()]
    assert objects, f"no objects of {layer} in {build}"
    listed = subprocess.run(["nm", "-P", "-g", *objects], capture_output=True, text=True, check=True)
    defined, wanted = set(), set()
    for line in listed.stdout.splitlines():
        words = line.split()
        if len(words) > 1 and not line.endswith(":"):
            (wanted if words[1] in "Uw" else defined).add(words[0])
    return defined, wanted - defined


def test_what_the_linker_sees_points_one_way():
    """A declaration copied by hand, or an extern, is no include, and an arrow all the same."""
    build = program().parent
    if not (build / "base").is_dir():
        pytest.skip(f"no objects beside the program in {build}")
    seen = {layer: symbols(build, layer) for layer in LAYERS}
    arrows = {(user, used): sorted(seen[user][1] & seen[used][0])
              for user in LAYERS for used in LAYERS if user != used and seen[user][1] & seen[used][0]}
    assert ("cli", "api") in arrows and ("api", "http") in arrows  # they are looked for rightly
    for (user, used), names in arrows.items():
        assert used in LAYERS[user], f"{user} uses {names[:5]} of {used}"


@pytest.mark.parametrize("header", LIBRARIES)
def test_a_library_is_included_in_one_folder(header):
    users = [path for path in sources(*LAYERS) if header in includes(path)]
    of = {str(path) if str(path) in LIBRARIES[header] else path.parts[0] for path in users}
    assert of == LIBRARIES[header]


def test_the_top_level_holds_what_the_map_names():
    top = {path.parts[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} == TOP


def test_no_file_is_named_for_nothing_in_particular():
    for path in tracked():
        assert not re.search(r"(^|_)(utils?|common|misc|manager|helpers?)(_|$)", path.stem), path


def test_tests_that_run_together_have_names_of_their_own():
    """pytest takes tests/http and tests/faults in one run, and a module by its name."""
    names = [path.stem for path in tracked()
             if path.parts[:2] in (("tests", "http"), ("tests", "faults")) and path.suffix == ".py"]
    twice = {name for name in names if names.count(name) > 1} - {"conftest"}
    assert not twice, f"in tests/http and in tests/faults: {twice}"


def test_sources_begin_with_their_licence():
    for path in tracked():
        if path.suffix in (".c", ".h", ".sql", ".sh", ".py", ".cmake") or path.name == "onramp":
            head = (HOUSE / path).read_text()[:400]
            assert "SPDX-License-Identifier: Apache-2.0" in head, path


def test_one_word_names_an_operation_everywhere():
    """Statement, SQL function and file: the three are spelled alike, none is missing or left over."""
    declared = set(re.findall(r'\.name = "(\w+)",\s*(?:\.lane|SWEEP)', the_c_of(*LAYERS)))
    assert declared, "no operation is declared"
    called_otherwise = {
        "batch_lock", "catalogue_load", "conditional_call", "conditional_call_each"} | {
        name for name in NOT_ROUTED if re.match("seal_key_|secret_|retention_", name)}
    assert declared | called_otherwise == sql_functions()
    for name, text in sql_files().items():
        assert re.search(rf"FUNCTION\s+(onramp\.)?{name}\s*\(", text), name


def chapters():
    return {path.stem: path.read_text() for path in sorted((HOUSE / "migrations").glob("*.sql"))}


def test_a_function_body_stands_in_one_place():
    """In the file of its name; a chapter that needs it includes that file, and it includes none."""
    makes = r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+(\w+)"
    for name, text in sql_files().items():
        assert re.findall(makes, text, re.I) == [name], f"functions/{name}.sql"
        assert not re.search(r"^\\", text, re.M), f"functions/{name}.sql"
    included = set()
    for name, text in chapters().items():
        assert not re.search(makes, text, re.I), f"{name} holds the body of a function"
        for line in re.findall(r"^[ \t]*\\.*", text, re.M):
            file = re.fullmatch(r"\\ir functions/(\w+)\.sql", line)
            assert file and file[1] in sql_files(), f"{name}: {line}"
            included.add(file[1])
    for name, text in chapters().items():
        for function in re.findall(r"EXECUTE FUNCTION (\w+)\(", text):
            assert function in included, f"{name} does not include {function}"


def test_the_version_is_the_same_everywhere():
    version = re.search(r"^project\(onramp VERSION (\S+)", (HOUSE / "CMakeLists.txt").read_text(), re.M)[1]
    assert openapi()["info"]["version"] == version
    assert re.search(r"^## (\S+)", (HOUSE / "CHANGELOG.md").read_text(), re.M)[1] == version


def test_a_landed_chapter_is_never_edited():
    pins = dict(reversed(line.split()) for line in
                (HOUSE / "migrations/landed.sha256").read_text().splitlines())
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
             for path in (HOUSE / "migrations").glob("*.sql")}
    assert {name: there.get(name, "missing") for name in pins} == pins, \
        "put the change into a chapter with the next number"
    assert there.keys() == pins.keys(), "pin it: cd migrations && sha256sum [0-9]*.sql >landed.sha256"


def test_a_function_that_the_daemon_may_not_call_is_called_by_one_that_it_may():
    schema = "\n".join(chapters().values())
    for name in set(sql_files()) - sql_functions():
        others = "\n".join(text for other, text in sql_files().items() if other != name)
        assert re.search(rf"\b{name}\(", others + schema), f"{name} is called by nobody"


def test_every_function_is_reached_by_a_route_or_known_not_to_be():
    routed = {name for _, _, name in routes()}
    for name in sql_functions() - routed:
        assert name in NOT_ROUTED, f"{name} has no route"
        assert name in the_c_of(NOT_ROUTED[name].rstrip("/")), f"{name} is called by nobody"
    for name in NOT_ROUTED:
        assert name not in routed, f"{name} has a route; take it off the list"


def test_routes_and_openapi_are_the_same_list():
    # Where a method means another thing to an operator, that operation's name stands beside.
    described = {(method.upper(), path, operation[key] if operation.get("security") != [] else None)
                 for path, item in openapi()["paths"].items()
                 for method, operation in item.items()
                 if method in ("get", "post", "put", "patch", "delete")
                 for key in ("operationId", "x-operation-of-operators") if key in operation}
    assert set(routes()) == described


def test_problem_codes_and_openapi_are_the_same_list():
    table = (HOUSE / "api/problem.c").read_text()
    coded = set(re.findall(r'^\s*\{"(\w+)",\s*\d{3},', table, re.M))
    assert coded, "the table of problems was not found"
    assert set(openapi()["components"]["schemas"]["ProblemCode"]["enum"]) == coded


def test_what_writes_for_somebody_takes_the_caller_first():
    files = sql_files()
    writes = {name for method, _, name in routes() if method != "GET"}
    assert writes <= files.keys() and len(writes) > 20
    for name in writes | {f"{name}_each" for name in writes} & files.keys():
        first = "p_callers caller[]" if name.endswith("_each") else "p_caller caller"
        assert f"FUNCTION {name}({first}" in files[name], name


def test_every_outcome_of_the_database_has_a_problem():
    """But for those that are no refusals, and lease_lost, which the sender of webhooks is answered."""
    accepted = {"ok", "replayed", "lease_lost", "applied", "already", "stale", "duplicate"}
    table = (HOUSE / "api/problem.c").read_text()
    coded = set(re.findall(r'^\s*\{"(\w+)",\s*\d{3},', table, re.M))
    for path in (HOUSE / "migrations").rglob("*.sql"):
        for outcome in re.findall(r"outcome\s*:=\s*'(\w+)'", path.read_text()):
            assert outcome in coded | accepted, f"{path.name}: {outcome}"


def test_copies_of_the_states_equal_the_database():
    in_c = re.findall(r'"(\w+)"', the_c_of("circuits").split("provider_status_names[] = {")[1]
                      .split("}")[0])
    graph = "\n".join(chapters().values())
    enumerated = re.findall(r"'((?:Not|De)?[Pp]rovision(?:ed|ing))'", graph)
    assert set(in_c) == set(enumerated)
    schema = openapi()["components"]["schemas"]["ProviderStatus"]["enum"]
    assert in_c == schema


def event_types_in_c():
    text = (HOUSE / "circuits/event_type.h").read_text().split("#define EVENT_TYPES")[1]
    return re.findall(r'"(\w+\.[\w*]+)"', text)


def test_copies_of_the_types_of_events_equal_the_database():
    in_c = event_types_in_c()
    graph = (HOUSE / "migrations/0008_provider_transition.sql").read_text()
    in_sql = set(re.findall(r"^\('(\w+\.\w+)'", graph, re.M))
    assert set(in_c) == in_sql | {"circuit.*", "connection.*"}
    assert len(in_c) == len(set(in_c))


def test_what_a_webhook_may_hear_are_the_types_of_events():
    chosen = the_c_of("webhooks").split("event_patterns[] = {")[1].split("}")[0]
    words = re.findall(r'"([\w.*]+)"|EVENT_TYPES', chosen)
    in_c = sum(([word] if word else event_types_in_c() for word in words), [])
    graph = (HOUSE / "migrations/0008_provider_transition.sql").read_text()
    own = {"ping", "endpoint.disabled", "endpoint.*", "circuit.*", "connection.*", "*"}
    assert set(in_c) == set(re.findall(r"^\('(\w+\.\w+)'", graph, re.M)) | own
    schemas = openapi()["components"]["schemas"]
    assert in_c == schemas["EventPattern"]["enum"]
    assert schemas["DeliveredType"]["enum"] == schemas["EventType"]["enum"] + [
        "endpoint.disabled", "ping"]


def test_the_catalogue_keeps_its_attribution():
    readme = (HOUSE / "README.md").read_text()
    assert "Microsoft Docs (Azure ExpressRoute)" in readme
    assert "CC BY 4.0" in readme


def test_what_nobody_sees_is_what_unicode_says():
    """Separators and formats, character by character."""
    if unicodedata.unidata_version != "14.0.0":
        pytest.skip("the table is that of Unicode 14")
    ranges = re.findall(r"\{0x([0-9A-F]+), 0x([0-9A-F]+)\}",
                        (HOUSE / "operations/visible.c").read_text())
    unseen = [n for first, last in ranges for n in range(int(first, 16), int(last, 16) + 1)]
    assert unseen == [n for n in range(0x110000)
                      if unicodedata.category(chr(n)) in ("Zs", "Zl", "Zp", "Cf")]
