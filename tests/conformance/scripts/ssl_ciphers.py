# Checks: set_ciphers decides what is negotiated; unknown suites are BAD_CONFIG.
# Doc: "Set the available ciphers for sockets created with this context."
from ssllab import *

for name in ("TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"):
    cctx = client()
    print(name in cctx.get_ciphers())
    cctx.set_ciphers([name])
    c, s = tls_pair(BASE + 920, server(), cctx)
    print(c.cipher(), s.cipher())
cctx.set_ciphers(("TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA",))
sctx = server()
sctx.set_ciphers(["TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA"])
c, s = wrapped(BASE + 920, sctx, cctx, "tls.test")
print([x and x.split(" ")[0] for x in shake(c, s)])
for bad in [], ["BAR"], ["TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", "BAR"]:
    print(failure(cctx.set_ciphers, bad))
