// Package kit runs a program over package net and over netconn, and compares the results.
package kit
