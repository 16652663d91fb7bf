// Package kit runs a program over package net and over netconn, and compares.
package kit
