package asm

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// Attend is attention that multiplies only some elements of keys and values: there is an instruction for each product with one.
type Attend struct {
	Name                 string // what the names of its functions begin with
	Heads, KVHeads, Keys int
	DH, DV               int
	Scale                float32
	KeptKeys, KeptValues []bool // [Keys, KVHeads·DH] and [Keys, KVHeads·DV]
}

// AttendHead is the code for the query heads of one head of keys, for panels of queries: functions
//
//	func Name(dst, src *float32, panels int, x *float32)
//
// to be called one after the other. Those of Scores read the queries src [panels][Heads·DH][16] of a head and the keys x, whose
// panels have KVHeads·DH features, and write dst [panels][Keys+2][16]: scores times scale, and in row Keys their maximum. Those
// of Values read this as src, with exponentials of the scores and in row Keys+1 their sum, and the values x, and write the
// results dst [panels][Heads·DV][16].
type AttendHead struct{ Scores, Values []Function }

// Least is a lower bound of the bytes of the code.
func (a *Attend) Least(set Set) (n int) {
	product := set.size("VFMADD231PS", -1, 4, 4)
	if set == AVX2 { // which has no operands that are spread
		product = set.size("VBROADCASTSS", -1, 4, 4) + set.size("VFMADD231PS", 0, 0, 0)
	}
	for _, kept := range [][]bool{a.KeptKeys, a.KeptValues} {
		for _, on := range kept {
			if on {
				n += product
			}
		}
	}
	return n
}

// Functions are the code for each head of keys.
func (a *Attend) Functions(set Set, pool *Pool) ([]AttendHead, error) {
	heads := make([]AttendHead, a.KVHeads)
	for g := range heads {
		for i, f := range []func(*printer, int) error{a.scores, a.values} {
			p := newPrinter(fmt.Sprintf("%s%c%d", a.Name, "kv"[i], g), set, pool)
			if err := f(p, g); err != nil {
				return nil, fmt.Errorf("%s: head %d: %w", a.Name, g, err)
			}
			p.flush()
			if i == 0 {
				heads[g].Scores = p.out
			} else {
				heads[g].Values = p.out
			}
		}
	}
	return heads, nil
}

// attended is how many chains go side by side: as many as a panel has keys, if the registers hold them.
func (s Set) attended() int {
	if s == AVX512 {
		return ir.Lanes
	}
	return ir.Lanes / 2
}

// place is where element c of key or value j of a head is, among so many features of a row.
func place(j, c, features int) int {
	return 4 * (j/ir.Lanes*features*ir.Lanes + c*ir.Lanes + j%ir.Lanes)
}

// shortPlaces is how many features of a panel short displacements reach.
const shortPlaces = 16

func (a *Attend) scores(p *printer, g int) error {
	dst, q := p.param("dst", a.Keys+2), p.param("src", a.Heads*a.DH)
	keys, features := p.fixed("x"), a.KVHeads*a.DH
	top := source{vector, dst, a.Keys * 4 * ir.Lanes}
	for lo := 0; lo < a.Keys; lo += p.set.attended() {
		hi := min(lo+p.set.attended(), a.Keys)
		c := newCode(p.set)
		acc := make([]int, hi-lo)
		for j := range acc {
			acc[j] = -1
		}
		for f := range a.DH {
			if f%shortPlaces == 0 {
				c.reach(keys, place(lo, f, features), place(hi-1, min(f+shortPlaces, a.DH)-1, features))
			}
			for j := lo; j < hi; j++ {
				if !a.KeptKeys[j*features+g*a.DH+f] {
					continue
				}
				x := c.load(source{vector, q, f * 4 * ir.Lanes})
				k := c.load(source{broadcast, keys, place(j, f, features)})
				if acc[j-lo] < 0 { // the sign of a score that is zero makes no difference
					acc[j-lo] = c.do(opMul, x, k)
				} else {
					acc[j-lo] = c.do(opFMA, x, k, acc[j-lo])
				}
			}
		}
		most := c.load(source{broadcast, p.consts, p.pool.one(float32(math.Inf(-1)))})
		if lo > 0 {
			most = c.load(top)
		}
		scale := c.load(source{broadcast, p.consts, p.pool.one(a.Scale)})
		for j, s := range acc {
			if s < 0 {
				s = c.zero()
			}
			s = c.do(opMul, s, scale)
			c.store(s, source{vector, dst, (lo + j) * 4 * ir.Lanes})
			most = c.do(opMax, s, most)
		}
		c.store(most, top)
		if err := p.emit(c); err != nil {
			return fmt.Errorf("keys from %d: %w", lo, err)
		}
	}
	return nil
}

func (a *Attend) values(p *printer, g int) error {
	dst, e := p.param("dst", a.Heads*a.DV), p.param("src", a.Keys+2)
	values, features := p.fixed("x"), a.KVHeads*a.DV
	for lo := 0; lo < a.DV; lo += p.set.attended() {
		hi := min(lo+p.set.attended(), a.DV)
		c := newCode(p.set)
		acc := make([]int, hi-lo)
		for f := range acc {
			acc[f] = c.zero()
		}
		for j := range a.Keys {
			if j%ir.Lanes == 0 {
				c.reach(values, place(j, lo, features), place(min(j+ir.Lanes, a.Keys)-1, hi-1, features))
			}
			for f := lo; f < hi; f++ {
				if a.KeptValues[j*features+g*a.DV+f] {
					x, v := c.load(source{vector, e, j * 4 * ir.Lanes}), c.load(source{broadcast, values, place(j, f, features)})
					acc[f-lo] = c.do(opFMA, x, v, acc[f-lo])
				}
			}
		}
		one := c.load(source{broadcast, p.consts, p.pool.one(1)})
		by := c.do(opDiv, one, c.load(source{vector, e, (a.Keys + 1) * 4 * ir.Lanes}))
		for f, s := range acc {
			c.store(c.do(opMul, s, by), source{vector, dst, (lo + f) * 4 * ir.Lanes})
		}
		if err := p.emit(c); err != nil {
			return fmt.Errorf("features from %d: %w", lo, err)
		}
	}
	return nil
}
