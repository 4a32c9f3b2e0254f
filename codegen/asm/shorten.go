package asm

import (
	"fmt"
	"strings"
)

// longText is the length from which source is shortened.
const longText = 5 << 20

// shorthand is a macro for an instruction whose last operand but one is fixed, absent, the same as the last, or any.
type shorthand struct{ op, middle, name string }

// shorthands are what sums are made of.
var shorthands = []shorthand{
	{"VADDPS", "", "A"}, {"VSUBPS", "", "S"},
	{"VFMADD231PS", "Z31", "F"}, {"VFNMADD231PS", "Z31", "G"},
	{"VFMADD231PS", "Y15", "P"}, {"VFNMADD231PS", "Y15", "N"},
	{"VMOVUPS", "-", "L"},
	{"VBROADCASTSS", "-", "B"}, {"VFMADD231PS.BCST", "*", "M"}, {"VFMADD231PS", "*", "V"},
}

// Shorten writes the instructions of long source with macros, which takes less room, and defines these.
func Shorten(source string) string {
	if len(source) < longText {
		return source
	}
	return withMacros(source)
}

func withMacros(source string) string {
	names := map[[2]string]string{}
	var b strings.Builder
	for _, s := range shorthands {
		names[[2]string{s.op, s.middle}] = s.name
		switch s.middle {
		case "":
			fmt.Fprintf(&b, "#define %s(x, y) %s x, y, y\n", s.name, s.op)
		case "*":
			fmt.Fprintf(&b, "#define %s(x, y, z) %s x, y, z\n", s.name, s.op)
		case "-":
			fmt.Fprintf(&b, "#define %s(x, y) %s x, y\n", s.name, s.op)
		default:
			fmt.Fprintf(&b, "#define %s(x, y) %s x, %s, y\n", s.name, s.op, s.middle)
		}
	}
	for line := range strings.Lines(source) {
		if short, ok := shorten(line, names); ok {
			b.WriteString(short)
		} else {
			b.WriteString(line)
		}
	}
	return b.String()
}

func shorten(line string, names map[[2]string]string) (string, bool) {
	if !strings.HasPrefix(line, "\tV") {
		return "", false
	}
	op, rest, _ := strings.Cut(line[1:len(line)-1], " ")
	first, rest, _ := strings.Cut(rest, ", ")
	middle, last, three := strings.Cut(rest, ", ")
	key := [2]string{op, middle}
	switch {
	case !three:
		last, key[1] = middle, "-"
	case middle == last:
		key[1] = ""
	}
	name, ok := names[key]
	if !ok && three {
		name, ok = names[[2]string{op, "*"}]
		last = middle + "," + last
	}
	return name + "(" + first + "," + last + ")\n", ok
}
