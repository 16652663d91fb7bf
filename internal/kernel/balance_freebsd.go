package kernel

// SO_BALANCE is SO_REUSEPORT_LB of sys/socket.h, since FreeBSD 12: here SO_REUSEPORT delivers
// everything to one of the sockets.
const SO_BALANCE = 0x10000
