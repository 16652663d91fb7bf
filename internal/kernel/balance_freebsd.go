package kernel

// SO_BALANCE is SO_REUSEPORT_LB of sys/socket.h, which exists since FreeBSD 12. With SO_REUSEPORT,
// the kernel of FreeBSD would deliver everything to one of the sockets.
const SO_BALANCE = 0x10000
