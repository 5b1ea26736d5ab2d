"""`path` of marked objects against the paths that the program knows it built."""

ROWS = ("--format", "json")


def shortest(pyleak, made, address):
    rows = pyleak("path", made, *ROWS, address).rows("paths")
    return rows[0]["path"] if rows else None


def test_every_kind_of_chain_is_spelled_as_python(core, pyleak):
    made = core("chains")
    wrong = {}
    for name, row in made.truth["known"]["paths"].items():
        found = shortest(pyleak, made, row["address"])
        if found != row["path"]:
            wrong[name] = (row["path"], found)
    assert wrong == {}
