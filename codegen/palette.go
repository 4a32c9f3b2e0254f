package codegen

import "bytes"

// palette is a constant of few different elements: these, and an index for each element, low bits first.
type palette struct {
	colours, indices []byte
	bits             int // of an index: 0, 1, 2, 4, 8; -1 if there are too many elements
}

// newPalette makes one of n elements of equal length, in the order of their first use.
func newPalette(b []byte, n int) palette {
	var p palette
	size := len(b) / n
	at := map[string]int{}
	list := make([]byte, n)
	for i := range list {
		elem := b[i*size : i*size+size]
		c, ok := at[string(elem)]
		if !ok {
			if c = len(at); c == 1<<8 {
				return palette{bits: -1}
			}
			at[string(elem)] = c
			p.colours = append(p.colours, elem...)
		}
		list[i] = byte(c)
	}
	if len(at) == 1 {
		return p
	}
	for p.bits = 1; len(at) > 1<<p.bits; p.bits *= 2 {
	}
	p.indices = make([]byte, (n*p.bits+7)/8)
	for i, c := range list {
		p.indices[i*p.bits/8] |= c << (i * p.bits % 8)
	}
	return p
}

// leastPeriod is the fewest elements that are stored once and repeated.
const leastPeriod = 16

// period is the number of elements, at least leastPeriod, after which n elements repeat themselves; n if they do not.
func period(b []byte, n int) int {
	if n == 0 || len(b)%n != 0 {
		return n
	}
	size := len(b) / n
	for p := leastPeriod; p <= n/2; p++ {
		if n%p == 0 && bytes.Equal(b[p*size:], b[:len(b)-p*size]) {
			return p
		}
	}
	return n
}
