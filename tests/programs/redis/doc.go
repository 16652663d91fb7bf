// Package redis runs go-redis against redis-server: pipelines, large values, publish and subscribe,
// and timeouts.
package redis
