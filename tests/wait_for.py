"""Waits until a server on this machine accepts connections: host, port, most seconds."""

import socket
import sys
import time

host, port, most = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
end = time.monotonic() + most
while True:
    try:
        socket.create_connection((host, port), timeout=1).close()
        break
    except OSError as error:
        if time.monotonic() > end:
            sys.exit(f"nothing answers on {host}:{port} after {most:.0f} s: {error}")
        # there is no event to wait on before a server listens
        time.sleep(0.1)
