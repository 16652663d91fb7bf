// Package h2spec runs h2spec against net/http's server, over package net and over netconn.
package h2spec
