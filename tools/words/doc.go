// Command words counts what comments and pages should not contain: lines of more than 100 columns,
// sentences of more than 25 words, and private words. It also counts files of more than 300 lines.
//
//	go run ./tools/words            # a table by folder; exit 1 where a count is above tools/words/budget.txt
//	go run ./tools/words -v reactor # each finding below reactor
//	go run ./tools/words -set       # lowers the budget to the present counts; never raises it
package main
