package asm

import (
	"fmt"
	"math"
	"strings"
)

// Pool holds the constants of a layer for all instruction sets.
type Pool struct {
	Name string // of the symbol
	data []float32
	one  map[uint32]int   // offsets of single constants
	rows map[*float32]int // offsets of rows
}

// NewPool returns a pool that is called like the layer.
func NewPool(name string) *Pool {
	return &Pool{Name: name + "pool", one: map[uint32]int{}, rows: map[*float32]int{}}
}

// at is the offset of a constant in bytes.
func (p *Pool) at(v float32) int {
	bits := math.Float32bits(v)
	off, ok := p.one[bits]
	if !ok {
		off = 4 * len(p.data)
		p.data = append(p.data, v)
		p.one[bits] = off
	}
	return off
}

// row is the offset of element j of a row.
func (p *Pool) row(row []float32, j int) int {
	off, ok := p.rows[&row[0]]
	if !ok {
		off = 4 * len(p.data)
		p.data = append(p.data, row...)
		p.rows[&row[0]] = off
	}
	return off + 4*j
}

// Text is the pool's declaration.
func (p *Pool) Text() string {
	var b strings.Builder
	for i, v := range p.data {
		fmt.Fprintf(&b, "DATA %s<>+%d(SB)/4, $%#08x\n", p.Name, 4*i, math.Float32bits(v))
	}
	fmt.Fprintf(&b, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", p.Name, 4*len(p.data))
	return b.String()
}
