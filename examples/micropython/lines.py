# A server for lines in the usual style for a board: one loop and one poll. It sends each line back
# in capitals. The line "time" returns how long the server has run, and "bye" ends the connection.
import select
import socket
import sys
import time


def answer(line, began):
    word = line.strip()
    if word == b"time":
        return b"%d s\n" % (time.time() - began)
    return line.upper()


def main(port):
    addr = socket.getaddrinfo("127.0.0.1", port)[0][-1]
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(addr)
    server.listen(5)
    server.setblocking(False)
    poller = select.poll()
    poller.register(server, select.POLLIN)
    began = time.time()
    print("listening on port", port)
    while True:
        for sock, events in poller.ipoll():
            if sock is server:
                try:
                    client, peer = server.accept()
                except OSError:
                    time.sleep(0.1)  # it was reset, or no descriptor is free for it
                    continue
                client.settimeout(2)  # a line that has begun has to end
                poller.register(client, select.POLLIN)
                continue
            try:
                line = sock.readline(1000)
                if line:
                    sock.sendall(answer(line, began))
            except OSError as e:
                print("lost a client:", e.args[0])
                line = b""
            if not line or line.strip() == b"bye":
                poller.unregister(sock)
                sock.close()


main(int(sys.argv[1]) if len(sys.argv) > 1 else 8266)
