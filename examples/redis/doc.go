// Command redis stores strings under names for Redis clients: redis-cli, redis-benchmark, and the
// client libraries. It has the commands PING, ECHO, GET, SET, DEL, EXISTS, INCR, DBSIZE, FLUSHDB,
// SELECT 0, QUIT and SHUTDOWN, and those that redis-cli sends at its start.
//
//	go run ./examples/redis &
//	redis-cli -p 6380 set color green
package main
