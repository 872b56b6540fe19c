"""A balancer for connections: python3 balance.py ADDRESS FILE PORT:TARGET...

Each connection goes to the next of the addresses in the file, one a line, which is read anew for each. It stands
for a cluster's Service: what is no longer in the file gets no new connection, what it has stays.
"""

import asyncio
import contextlib
import itertools
import sys


async def _copy(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def _handler(path, target, turn):
    async def handle(reader, writer):
        with open(path, encoding="ascii") as file:
            addresses = file.read().split()
        with contextlib.closing(writer), contextlib.suppress(OSError):
            if addresses:
                there = await asyncio.open_connection(addresses[next(turn) % len(addresses)], target)
                with contextlib.closing(there[1]):
                    await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    return handle


async def _main(address, path, *ports):
    turn, servers = itertools.count(), []
    for pair in ports:
        port, target = map(int, pair.split(":"))
        servers.append(await asyncio.start_server(_handler(path, target, turn), address, port, backlog=512))
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
