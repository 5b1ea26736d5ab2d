"""An asyncio server that dies in the task of a connection. Python 3.7 or newer."""

import asyncio
import os


class Server:
    def __init__(self, dying):
        self.dying = dying

    async def serve(self, reader, writer):
        if await reader.readline() == b"die\n":
            self.dying()
            os.abort()
        writer.close()

    async def main(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for line in (b"live\n", b"die\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(line)
            await writer.drain()
            await reader.read()


def run(dying):
    asyncio.run(Server(dying).main())
