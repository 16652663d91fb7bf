# Checks: a server that requires a client's certificate: with one, without one, with a wrong one.
# Doc: CERT_REQUIRED; "whether the peer (server or client) must present a valid certificate".
from ssllab import *


def required(mode=tls.CERT_REQUIRED):
    c = server()
    c.verify_mode = mode
    c.load_verify_locations(CA)
    return c


def peer(s, want):
    # The unix port is built without getpeercert.
    return not hasattr(s, "getpeercert") or s.getpeercert(True) == want


for what, mode, cert, key in (
    ("with", tls.CERT_REQUIRED, CLIENT, CLIENT_KEY),
    ("without", tls.CERT_REQUIRED, None, None),
    ("optional without", tls.CERT_OPTIONAL, None, None),
    ("optional with another", tls.CERT_OPTIONAL, SELF, SELF_KEY),
    ("with another", tls.CERT_REQUIRED, SELF, SELF_KEY),
):
    cctx = client()
    if cert:
        cctx.load_cert_chain(cert, key)
    c, s = wrapped(BASE + 912, required(mode), cctx, "tls.test")
    bad = shake(c, s)
    print(what, bad)
    if bad == [None, None]:
        print(peer(s, cert), peer(c, SELF))
