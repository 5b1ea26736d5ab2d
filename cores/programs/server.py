"""An asyncio server that dies while it serves, with the gc off: connections that were served, that
hang open, and that failed; tasks cancelled, done, and forgotten. Python 3.7 or newer."""

import asyncio
import gc

import collected


class Session:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.task = asyncio.ensure_future(self.run())
        self.task.add_done_callback(self.ended)
        self.result = None

    async def run(self):
        try:
            while True:
                line = await self.reader.readline()
                if line == b"fail\n":
                    raise ValueError(self)
                if not line:
                    return self
                self.writer.write(line)
                await self.writer.drain()
        finally:
            self.writer.close()

    def ended(self, task):
        self.result = task.exception() if not task.cancelled() else self.ended


async def serve(reader, writer):
    Session(reader, writer)


async def ask(port, *lines):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for line in lines:
        writer.write(line)
        await writer.drain()
        await asyncio.wait_for(reader.readline(), 10)
    writer.close()


async def forgotten(future):
    try:
        await future
    finally:
        future.ran = True


async def numbers(held):
    for number in range(5):
        yield held
        await asyncio.sleep(0)


async def walk():
    held = []
    walked = numbers(held)
    held.append(walked)
    async for one in walked:
        if len(one) > 0:
            return held


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for number in range(20):
        await ask(port, b"one\n", b"two\n")
    await asyncio.gather(*(ask(port, b"fail\n") for _ in range(10)))
    hanging = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
    cancelled = asyncio.ensure_future(asyncio.sleep(1000))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    future = asyncio.get_event_loop().create_future()
    future.add_done_callback(future.remove_done_callback)
    task = asyncio.ensure_future(forgotten(future))
    future.task = [task]
    await asyncio.sleep(0)
    await walk()
    del future, task, cancelled
    for _ in range(20):
        await asyncio.sleep(0.01)
    collected.die({"hanging": len(hanging)})


gc.disable()
asyncio.run(main())
