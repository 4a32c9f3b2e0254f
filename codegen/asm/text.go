package asm

import (
	"fmt"
	"strings"
)

// text is assembly as it is printed: its lines, and how many bytes of code they become.
type text struct {
	strings.Builder
	bytes int
	marks []int // where in the text another line of the caches begins, about
}

// count adds to the bytes of code.
func (t *text) count(bytes int) {
	if t.bytes += bytes; t.bytes >= (len(t.marks)+1)*cacheLine {
		t.marks = append(t.marks, t.Len())
	}
}

// line prints an instruction of the given length.
func (t *text) line(bytes int, format string, args ...any) {
	t.WriteByte('\t')
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
	t.count(bytes)
}

// ins is line for an instruction with its operands, without the cost of a format.
func (t *text) ins(bytes int, op string, operands ...string) {
	t.WriteByte('\t')
	t.WriteString(op)
	for i, o := range operands {
		if i == 0 {
			t.WriteByte(' ')
		} else {
			t.WriteString(", ")
		}
		t.WriteString(o)
	}
	t.WriteByte('\n')
	t.count(bytes)
}

// add appends other text.
func (t *text) add(o *text) {
	for _, m := range o.marks {
		t.marks = append(t.marks, t.Len()+m)
	}
	t.WriteString(o.String())
	t.bytes += o.bytes
}

// base is an address register. It points shift bytes beyond what offsets count from, so that they are short.
type base struct {
	reg   string
	shift int
}

// reach moves b so that short displacements, 256 units from -128 on, cover the offsets from lo, all up to hi if possible.
func (b *base) reach(t *text, lo, hi, unit int) {
	if lo-b.shift >= -128*unit && hi-b.shift <= 127*unit {
		return
	}
	b.move(t, lo+128*unit)
}

func (b *base) move(t *text, shift int) {
	if d := shift - b.shift; d != 0 {
		t.line(7, "ADDQ $%d, %s", d, b.reg)
	}
	b.shift = shift
}
