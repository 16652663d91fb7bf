// Package pg runs pgx against PostgreSQL: queries, COPY, cancel, LISTEN, a pool, TLS.
package pg
