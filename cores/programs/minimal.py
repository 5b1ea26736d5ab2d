"""Next to nothing: the interpreter's own start-up heap, a handful of objects, and death."""

import truth


class Thing(object):
    pass


THINGS = [Thing() for _ in range(10)]

truth.die(known={"types": {"__main__.Thing": 10}},
          marked={"things": THINGS, "first": THINGS[0], "class": Thing})
