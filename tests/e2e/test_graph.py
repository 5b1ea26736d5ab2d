"""graph: the picture says what referrers, referents and path say, and is always well-formed."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree
from collections import Counter

import pytest

from support import gdb
from support.pyleak import PYLEAK

SESSION = "__main__.Session"
STATEMENT = re.compile(r'  (\w+)(?: -> (\w+))?((?: \[.*\])?);')
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")


class Picture:
    """A small reader of the DOT that pyleak writes, one statement to a line: nodes (id -> attributes), edges
    ((source, target, attributes)); attributes as they stand in the text. It refuses what it does not know."""

    def __init__(self, text):
        assert text.startswith("digraph pyleak {\n") and text.endswith("\n}\n")
        self.nodes, self.edges = {}, []
        lines = text.split("\n")[1:-2]
        head = [i for i, line in enumerate(lines) if line.startswith("  label=")]
        assert len(head) == 1
        for line in lines[head[0] + 1:]:
            match = STATEMENT.fullmatch(line)
            assert match, line
            source, target, attributes = match.groups()
            if target is None:
                assert source not in self.nodes
                self.nodes[source] = attributes
            else:
                self.edges.append((source, target, attributes))
        for source, target, _ in self.edges:
            assert source in self.nodes and target in self.nodes


@pytest.fixture(scope="module")
def leak(core_of):
    return core_of("system", "leak")


@pytest.fixture(scope="module")
def mixed(core_of):
    return core_of("system", "mixed")


@pytest.fixture(scope="module")
def session(leak, pyleak):
    return instance(pyleak, leak, SESSION)


def instance(pyleak, core, type, n=0):
    return pyleak("instances", core, type, "--format", "json").rows("instances")[n]["address"]


def tables(pyleak, core, *words, status=0):
    """The nodes by id, and the edges."""
    answer = pyleak("graph", core, *words, "--format", "json", status=status)
    nodes = {node["id"]: node for node in answer.rows("nodes")}
    assert len(nodes) == len(answer.rows("nodes"))
    return nodes, answer.rows("edges")


def others(nodes, edges, node, way):
    """Counter of (address, kind) over the references between a node and other drawn objects."""
    here, there = ("target", "source") if way == "back" else ("source", "target")
    found = Counter()
    for edge in edges:
        if edge[here] == node and nodes[edge[there]]["address"]:
            found[nodes[edge[there]]["address"], edge["kind"]] += edge["references"]
    return found


# ---- what is drawn ----


def test_text_and_tables_are_one_picture(leak, session, ask):
    for more in [], ["--direction", "both", "--refcounts"], ["--chain"], ["--depth", "0"]:
        nodes, edges = tables(ask, leak, session, *more)
        picture = Picture(ask("graph", leak, session, *more).stdout)
        assert list(picture.nodes) == list(nodes)
        assert [edge[:2] for edge in picture.edges] == [(edge["source"], edge["target"]) for edge in edges]
        asked, = [node for node in nodes.values() if node["role"] == "asked"]
        assert asked["address"] == session


def test_holders_are_the_referrers(core, pyleak):
    """Of every interpreter: the references to the asked object are those that `referrers` lists."""
    made = core("leak")
    session = instance(pyleak, made, SESSION)
    nodes, edges = tables(pyleak, made, session, "--depth", "1", "--too-many", "1000")
    rows = pyleak("referrers", made, session, "--format", "json").rows("referrers")
    assert others(nodes, edges, "o1", "back") == Counter((row["address"], row["kind"]) for row in rows if row["address"])
    assert {nodes[edge["source"]]["type"] for edge in edges if nodes[edge["source"]]["role"] == "root"} <= \
        {"<%s>" % row["type"].strip("<>") for row in rows if not row["address"]} | {"<module>"}
    labels = {edge["label"] for edge in edges if edge["target"] == "o1" and edge["label"]}
    assert labels == {row["edge"] for row in rows if row["address"]}


def test_what_it_holds_are_the_referents(mixed, ask):
    """All but the class and keys that are str or int, which the boxes and labels say already."""
    for type in "__main__.Plain", "__main__.MyList", "__main__.Slotted", "types.ModuleType", "function":
        found = ask("instances", mixed, type, "--format", "json", status=None).rows("instances")
        for row in found[:3]:
            asked = row["address"]
            nodes, edges = tables(ask, mixed, asked, "--direction", "forward", "--depth", "1", "--too-many", "1000",
                                  "--max-nodes", "0")
            said = Counter()
            for edge in ask("referents", mixed, asked, "--format", "json").rows("referents"):
                key = edge["edge"].startswith("<key ") and edge["type"] in ("builtins.str", "builtins.int")
                if edge["edge"] != ".__class__" and not key and edge["type"] is not None:
                    said[edge["address"], edge["kind"]] += 1
            assert others(nodes, edges, "o1", "forward") == said, asked


def test_the_chain_is_the_path(core, pyleak):
    made = core("leak")
    session = instance(pyleak, made, SESSION)
    nodes, edges = tables(pyleak, made, session, "--chain")
    steps = pyleak("path", made, session, "--format", "json").rows("steps")
    objects = [node for node in nodes.values() if node["address"]]
    assert [node["address"] for node in objects] == [step["address"] for step in steps]
    for a, b in zip(objects, objects[1:]):
        assert [e for e in edges if e["source"] == a["id"] and e["target"] == b["id"]]
    root, = [node for node in nodes.values() if node["role"] == "root"]
    assert steps[0]["edge"].startswith(root["repr"])
    assert {"source": root["id"], "target": objects[0]["id"]}.items() <= edges[-1].items()


def test_like_siblings_are_counted(leak, session, pyleak):
    """The dict of all sessions: ten neighbours are drawn, every other one is counted."""
    cache = pyleak("referrers", leak, session, "--format", "json").rows("referrers")[0]["address"]
    nodes, edges = tables(pyleak, leak, cache, "--direction", "forward", "--depth", "1")
    drawn = [node for node in nodes.values() if node["type"] == SESSION and node["role"] == "object"]
    more, = [node for node in nodes.values() if node["role"] == "more"]
    assert len(drawn) == 10 and more["type"] == SESSION
    assert len(drawn) + more["objects"] == 20000
    assert "… 19,990 more __main__.Session" in pyleak("graph", leak, cache, "--direction", "forward").stdout


def test_a_class_has_its_instances_when_asked(leak, session, pyleak):
    rows = pyleak("referents", leak, session, "--format", "json").rows("referents")
    cls, = [row["address"] for row in rows if row["edge"] == ".__class__"]
    nodes, edges = tables(pyleak, leak, cls, "--depth", "1")
    assert [edge for edge in edges if edge["label"] == ".__class__"]
    nodes, edges = tables(pyleak, leak, session, "--direction", "both")
    assert not [edge for edge in edges if edge["label"] == ".__class__"]


def test_ignore_match_highlight(leak, session, ask):
    forward = ["--direction", "forward", "--depth", "3"]
    plain, _ = tables(ask, leak, session, *forward)
    assert {"builtins.str", "builtins.dict"} <= {node["type"] for node in plain.values()}
    for glob in "str", "builtins.st*":
        fewer, _ = tables(ask, leak, session, *forward, "--ignore", glob)
        assert {n["address"] for n in fewer.values()} <= {n["address"] for n in plain.values() if n["type"] != "builtins.str"}
        assert len(fewer) > 3
    only, _ = tables(ask, leak, session, *forward, "--match", "__main__.*")
    assert {node["type"] for node in only.values() if node["address"]} == {SESSION, "__main__.Connection", "__main__.Handler"}
    marked, _ = tables(ask, leak, session, *forward, "--highlight", "__main__.Conn*")
    assert [node["type"] for node in marked.values() if node["role"] == "highlight"] == ["__main__.Connection"]


def test_depth_and_bound(leak, session, pyleak):
    nodes, edges = tables(pyleak, leak, session, "--direction", "forward", "--depth", "1")
    assert {edge["source"] for edge in edges if nodes[edge["source"]]["address"]} == {"o1"}
    assert "holds +" in pyleak("graph", leak, session, "--direction", "forward", "--depth", "1").stdout
    cut = pyleak("graph", leak, session, "--direction", "both", "--max-nodes", "4")
    assert len([node for node in Picture(cut.stdout).nodes if node.startswith("o")]) == 4
    assert "stopped at 4 objects" in cut.stderr and "cut at 4 objects" in cut.stdout


def test_refcounts(leak, session, pyleak):
    count = tables(pyleak, leak, session)[0]["o1"]["refcount"]
    assert "refs %d<" % count in Picture(pyleak("graph", leak, session, "--refcounts").stdout).nodes["o1"]
    assert "refs" not in Picture(pyleak("graph", leak, session).stdout).nodes["o1"]


def test_same_every_time(mixed, pyleak):
    address = instance(pyleak, mixed, "dict", 40)
    first = pyleak("graph", mixed, address, "--direction", "both").stdout
    assert pyleak("graph", mixed, address, "--direction", "both", "--threads", "1").stdout == first


@needs_dot
def test_graphviz_reads_whatever_is_there(mixed, ask):
    """Objects of every type of a core with strange names and values: no complaint of dot's, and no control character."""
    types = ask("types", mixed, "--format", "json").rows("types")
    asked = [instance(ask, mixed, row["type"]) for row in types if row["count"] and "*" not in row["type"]][::15]
    assert len(asked) > 10
    for address in asked:
        text = ask("graph", mixed, address, "--direction", "both", "--depth", "2", "--max-nodes", "60").stdout
        Picture(text)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
        done = subprocess.run(["dot", "-Tcanon"], input=text.encode(), capture_output=True)
        assert done.returncode == 0 and b"rror" not in done.stderr, (address, done.stderr)


@pytest.mark.parametrize("words, complaint", [
    (["0x10"], "no live object starts at 0x10"), (["dict"], "'dict' is no address"),
    (["--depth", "many"], "--depth needs a number"), (["--direction", "up"], "--direction cannot be 'up'"),
])
def test_bad_usage(leak, session, pyleak, words, complaint):
    words = words if words[0][0] != "-" else words + [session]
    assert complaint in pyleak("graph", leak, *words, status=2).stderr


# ---- pictures ----


@needs_dot
def test_svg_and_png(leak, session, pyleak, tmp_path):
    svg, png = tmp_path / "x.svg", tmp_path / "x.PNG"
    assert pyleak("graph", leak, session, "--output", str(svg)).stdout == ""
    root = xml.etree.ElementTree.parse(svg).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = "".join(root.itertext())
    assert SESSION in texts and "['SESSIONS']" in texts
    pyleak("graph", leak, session, "--output", str(png))
    assert png.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert sorted(os.listdir(tmp_path)) == ["x.PNG", "x.svg"]


def test_other_names_get_what_is_printed(leak, session, pyleak, tmp_path):
    dot, json = tmp_path / "x.dot", tmp_path / "x.svg"
    pyleak("graph", leak, session, "--output", str(dot))
    assert dot.read_text() == pyleak("graph", leak, session).stdout
    pyleak("graph", leak, session, "--format", "json", "--output", str(json))
    assert json.read_text().startswith("{")


def draw_with(path, leak, session, output):
    return subprocess.run([str(PYLEAK), "graph"] + leak.options + [session, "--output", str(output), str(leak.path)],
                          env=dict(os.environ, PATH=str(path)), capture_output=True, text=True)


def test_without_graphviz_the_dot_is_kept(leak, session, pyleak, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = draw_with(empty, leak, session, tmp_path / "x.svg")
    kept = tmp_path / "x.dot"
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.split("\n")[0] == "pyleak: Graphviz's dot is not installed; the graph is in %s" % kept
    assert kept.read_text() == pyleak("graph", leak, session).stdout
    assert not (tmp_path / "x.svg").exists()


def test_a_graphviz_that_fails(leak, session, tmp_path):
    fake = tmp_path / "bin" / "dot"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nprintf 'no \\033[31mfonts\\nmore\\n' >&2\nexit 3\n")
    fake.chmod(0o755)
    done = draw_with(fake.parent, leak, session, tmp_path / "x.png")
    assert done.returncode == 3
    assert "pyleak: Graphviz's dot failed with status 3: no [31mfonts; the graph is in" in done.stderr
    assert (tmp_path / "x.dot").exists() and not (tmp_path / "x.png").exists()


@needs_dot
@gdb.needed
def test_gdb_draws_the_same(leak, session, pyleak, tmp_path):
    pyleak("graph", leak, session, "--output", str(tmp_path / "shell.svg"))
    answer = gdb.batch(["py-leak-graph %s --output %s" % (session, tmp_path / "gdb.svg"), "py-leak-graph %s" % session], leak)
    assert (tmp_path / "gdb.svg").read_bytes() == (tmp_path / "shell.svg").read_bytes()
    assert answer.printed[1] == pyleak("graph", leak, session).stdout


def test_gdb_without_graphviz(tmp_path, monkeypatch):
    from pyleak_gdb.lib import picture
    from pyleak_gdb.lib.errors import PyleakError
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PyleakError) as caught:
        picture.save_picture(os.fsencode(tmp_path / "x.svg"), "svg", b"digraph {}\n")
    assert "is not installed; the graph is in %s" % (tmp_path / "x.dot") in str(caught.value)
    assert (tmp_path / "x.dot").read_bytes() == b"digraph {}\n"
