// Command redis stores strings under names for Redis clients: redis-cli, redis-benchmark, and
// client libraries.
//
// The commands are PING, ECHO, GET, SET, DEL, EXISTS, INCR, DBSIZE, FLUSHDB, SELECT 0, QUIT and
// SHUTDOWN. It also answers the commands that redis-cli sends when it starts.
//
//	go run ./examples/redis &
//	redis-cli -p 6380 set color green
package main
