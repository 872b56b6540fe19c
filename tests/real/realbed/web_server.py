"""A web server for one folder: python3 web_server.py ADDRESS PORT FOLDER.

http.server's own command asks the resolver for the name of its address before it listens; where no
resolver answers, that takes tens of seconds.
"""

import functools
import http.server
import os
import signal
import socketserver
import sys


class _Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


if __name__ == "__main__":
    # As PID 1 of a container it would not be ended by default.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _address, _port, _folder = sys.argv[1:]
    _handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=_folder)
    _Server((_address, int(_port)), _handler).serve_forever()
