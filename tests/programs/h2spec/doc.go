// Package h2spec runs h2spec against net/http, over package net and over netconn.
package h2spec
