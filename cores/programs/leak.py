"""A small web application with two leaks; it dies with everything it leaked in memory.

Sessions are cached by id and never evicted, and each keeps its connection.  Handlers point at their
connection and it at them, and have a __del__.
"""

import truth

SESSIONS = {}


class Connection(object):
    def __init__(self, peer):
        self.peer = peer
        self.buffer = bytearray(256)
        self.handler = None


class Handler(object):
    def __init__(self, connection):
        self.connection = connection
        connection.handler = self

    def __del__(self):
        self.connection = None


class Session(object):
    def __init__(self, number):
        self.id = "session-%06d" % number
        self.user = {"name": "user %d" % (number % 100), "roles": ["reader"]}
        self.connection = Connection("10.0.0.%d" % (number % 250))


def login(number):
    session = Session(number)
    Handler(session.connection)
    SESSIONS[session.id] = session
    return session


def serve(requests):
    for number in range(requests):
        login(number)


if __name__ == "__main__":
    serve(20000)
    truth.die(known={"types": {"__main__.Session": 20000, "__main__.Connection": 20000,
                               "__main__.Handler": 20000}})
