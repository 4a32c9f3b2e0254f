package asm

import (
	"fmt"
	"strings"
)

// cacheLine is the bytes of a line of the caches.
const cacheLine = 64

// ahead is where a function can fetch code.
type ahead struct {
	entry  int    // in the text: before the loop over panels
	marks  []int  // in the code of a panel, a line of the caches apart
	end    int    // behind it
	passes int    // through that code for a panel
	reg    string // that is free for an address; empty if none is
}

// AheadBytes is about how much longer functions of so many bytes become if they fetch as much code ahead.
func AheadBytes(code, panels int) int { return code / (8 * panels) }

// Ahead makes f, while it computes so many panels, fetch the code of next, which runs after it, into the second cache. A
// core follows straight-line code from the third cache at 1.6 bytes a cycle, from the second one at 7 or more.
func (f *Function) Ahead(next *Function, panels int) {
	if f.reg == "" || len(f.marks) == 0 {
		return
	}
	passes := f.passes * panels
	lines := (next.Bytes/cacheLine + 1 + passes) / passes // for each pass
	var t strings.Builder
	t.WriteString(f.Text[:f.entry])
	fmt.Fprintf(&t, "\tLEAQ ·%s(SB), %s\n", next.Name, f.reg)
	at := f.entry
	for i := range lines {
		m := f.marks[i*len(f.marks)/lines]
		t.WriteString(f.Text[at:m])
		fmt.Fprintf(&t, "\tPREFETCHT1 %d(%s)\n", i*cacheLine, f.reg)
		at = m
	}
	t.WriteString(f.Text[at:f.end])
	fmt.Fprintf(&t, "\tADDQ $%d, %s\n", lines*cacheLine, f.reg)
	t.WriteString(f.Text[f.end:])
	f.Text, f.Bytes = t.String(), f.Bytes+7+7*lines+7
	f.ahead = ahead{}
}
