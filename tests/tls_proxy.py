"""TLS before a server that speaks none: port, the server's port, certificate, key. For tests on this machine only."""

import asyncio
import ssl
import sys

port, behind, certificate, key = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]


async def pump(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def meet(reader, writer):
    to, fro = await asyncio.open_connection("127.0.0.1", behind)
    await asyncio.gather(pump(reader, fro), pump(to, writer))


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(meet, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


asyncio.run(main())
