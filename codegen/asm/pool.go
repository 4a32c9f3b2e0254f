package asm

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// Pool holds the constants of layers with the same code, for all instruction sets: of each layer as many, one after the other.
type Pool struct {
	Name string // of the symbol
	data [][]float32
	at   map[string]int // offsets of what is there, by its bits
}

// NewPool returns a pool for so many layers that is called like the first of them.
func NewPool(name string, layers int) *Pool {
	return &Pool{Name: name + "pool", data: make([][]float32, layers), at: map[string]int{}}
}

// shared reports whether the code has to be told whose constants it takes.
func (p *Pool) shared() bool { return len(p.data) > 1 }

// Offset is how far the constants of a layer are from those of the first, in bytes.
func (p *Pool) Offset(layer int) int { return 4 * layer * len(p.data[0]) }

// row is the offset in bytes of constants, of each layer as many.
func (p *Pool) row(of [][]float32) int {
	var key []byte
	for _, row := range of {
		for _, v := range row {
			key = binary.LittleEndian.AppendUint32(key, math.Float32bits(v))
		}
	}
	off, ok := p.at[string(key)]
	if !ok {
		off = 4 * len(p.data[0])
		p.at[string(key)] = off
		for i, row := range of {
			p.data[i] = append(p.data[i], row...)
		}
	}
	return off
}

// one is the offset of a constant that all layers have.
func (p *Pool) one(v float32) int {
	of := make([][]float32, len(p.data))
	for i := range of {
		of[i] = []float32{v}
	}
	return p.row(of)
}

// Text is the pool's declaration.
func (p *Pool) Text() string {
	var b strings.Builder
	n := 0
	for _, data := range p.data {
		for _, v := range data {
			fmt.Fprintf(&b, "DATA %s<>+%d(SB)/4, $%#08x\n", p.Name, n, math.Float32bits(v))
			n += 4
		}
	}
	fmt.Fprintf(&b, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", p.Name, n)
	return b.String()
}
