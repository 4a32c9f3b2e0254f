package codegen

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
)

// pattern says where a K x N matrix has its nonzero weights and which of them are negative. Equal blocks on its diagonal
// hold all of them; one block is the matrix itself. Cells are those of the blocks, column by column.
type pattern struct {
	k, n, blocks int
	nonzero      []int  // cells, increasing
	minus        []bool // of the nonzero cells; nil if none is negative
}

// patternOf finds the pattern of a row-major matrix; order lists the elements of its nonzero cells.
func patternOf[T int8 | float32](x []T, k, n int, signed bool) (p pattern, order []int) {
	p = pattern{k: k, n: n, blocks: diagonalBlocks(x, k, n)}
	height, width := k/p.blocks, n/p.blocks
	for j := range n {
		for i := range height {
			q := (j/width*height+i)*n + j
			if x[q] == 0 {
				continue
			}
			p.nonzero, p.minus = append(p.nonzero, j*height+i), append(p.minus, x[q] < 0)
			order = append(order, q)
		}
	}
	if !signed || !slices.Contains(p.minus, true) {
		p.minus = nil
	}
	return p, order
}

// diagonalBlocks is the largest number of equal blocks on the diagonal that hold all nonzero elements.
func diagonalBlocks[T int8 | float32](x []T, k, n int) int {
	for b := min(k, n); b > 1; b-- {
		if k%b != 0 || n%b != 0 {
			continue
		}
		height, width, outside := k/b, n/b, false
		for q, v := range x {
			if v != 0 && q/n/height != q%n/width {
				outside = true
				break
			}
		}
		if !outside {
			return b
		}
	}
	return 1
}

// stored is the shape of the blocks side by side.
func (p *pattern) stored() []int { return []int{p.k / p.blocks, p.n} }

// total is the number of cells.
func (p *pattern) total() int { return ir.Size(p.stored()) }

// shape is what the code knows of the pattern.
func (p *pattern) shape(e *emitter) *jen.Statement {
	d := jen.Dict{
		jen.Id("k"): jen.Lit(p.k), jen.Id("n"): jen.Lit(p.n), jen.Id("blocks"): jen.Lit(p.blocks), jen.Id("nonzero"): jen.Lit(len(p.nonzero)),
	}
	if p.minus != nil {
		d[jen.Id("signed")] = jen.True()
	}
	return jen.Id(e.use("patternShape")).Values(d)
}

// bitmap is the stored form of speed mode: a bit for each cell, then one for the sign of each that is set.
func (p *pattern) bitmap() []byte {
	b := make([]byte, (p.total()+7)/8)
	for _, c := range p.nonzero {
		b[c/8] |= 1 << (c % 8)
	}
	signs := make([]byte, (len(p.minus)+7)/8)
	for i, minus := range p.minus {
		if minus {
			signs[i/8] |= 1 << (i % 8)
		}
	}
	return append(b, signs...)
}

// The stored form of size mode, as package runtime describes it.
const (
	gapBits      = 12
	gapMax       = 15
	gapFloorBits = 20
	gapHead      = 5 // bytes of the coder's state, which is below 2^(gapFloorBits+16)
)

// zeroProbability is the share of zero cells in units of 2^-16.
func (p *pattern) zeroProbability() int {
	return min((p.total()-len(p.nonzero))<<16/p.total(), math.MaxUint16)
}

// gaps codes the numbers of zero cells before each nonzero one, and the signs. The coder is last in, first out, so what
// is read first is written last.
func (p *pattern) gaps() []byte {
	if len(p.nonzero) == 0 {
		return nil
	}
	start, freq := gapTable(uint64(p.zeroProbability()))
	x := uint64(1) << gapFloorBits
	var words []uint16
	put := func(symbol, signBits, sign int) {
		if f := freq[symbol]; x >= f<<(gapFloorBits+16-gapBits-signBits) {
			words = append(words, uint16(x))
			x >>= 16
		}
		x = x<<signBits | uint64(sign)
		x = x/freq[symbol]<<gapBits + start[symbol] + x%freq[symbol]
	}
	for i := len(p.nonzero) - 1; i >= 0; i-- {
		gap := p.nonzero[i]
		if i > 0 {
			gap -= p.nonzero[i-1] + 1
		}
		signBits, sign := 0, 0
		if p.minus != nil {
			signBits = 1
			if p.minus[i] {
				sign = 1
			}
		}
		put(gap%gapMax, signBits, sign)
		for range gap / gapMax {
			put(gapMax, 0, 0)
		}
	}
	b := binary.LittleEndian.AppendUint64(nil, x)[:gapHead]
	for _, w := range slices.Backward(words) {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	return b
}

// gapTable is the share of each gap in 2^gapBits: (1-p)·p^i for i below gapMax, the rest for gapMax, none of them zero.
func gapTable(zero uint64) (start, freq [gapMax + 1]uint64) {
	left := uint64(1 << gapBits)
	for i := range gapMax {
		rest := max(left*zero>>16, uint64(gapMax-i))
		start[i], freq[i] = 1<<gapBits-left, left-rest
		left = rest
	}
	start[gapMax], freq[gapMax] = 1<<gapBits-left, left
	return start, freq
}
