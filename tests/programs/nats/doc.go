// Package nats runs nats-server and nats.go: publish, request, JetStream, and a restart of the
// server.
package nats
