// Package pg runs pgx against PostgreSQL: queries, COPY, cancel, LISTEN, a pool, and TLS.
package pg
