// SPDX-License-Identifier: MIT-0

// Layer writes the kernels of layers: register tiles of dense products, loops over lists of weights, and what attention does
// with rows of scores.
package main

import "github.com/sbtc-go/sbtc/runtime/_asm/gen"

func main() {
	tiles := gen.NewAsm()
	for _, t := range []struct {
		isa     gen.ISA
		columns []int
	}{{gen.AVX512, []int{24, 16, 8}}, {gen.AVX2, []int{6, 4}}} {
		for _, n := range t.columns {
			panelTile(tiles, t.isa, "panelTile", n, 4)
		}
	}
	panelsTile(tiles, 3, 8)
	panelsTile(tiles, 2, 12)
	panelsTile(tiles, 2, 8)
	for _, t := range []struct {
		isa     gen.ISA
		columns []int
	}{{gen.AVX512, []int{16, 8, 4, 1}}, {gen.AVX2, []int{4, 1}}} {
		for _, n := range t.columns {
			panelTile(tiles, t.isa, "keyTile", n, 64)
		}
	}
	tiles.Write("layer", "tile_panels_amd64")

	rows := gen.NewAsm()
	for r := 1; r <= 6; r++ {
		for _, c := range []int{4, 2, 1} {
			rowTile(rows, gen.AVX512, r, c)
		}
	}
	for r := 1; r <= 3; r++ {
		for _, c := range []int{4, 2} {
			rowTile(rows, gen.AVX2, r, c)
		}
	}
	rowTile(rows, gen.AVX2, 1, 8)
	rows.Write("layer", "tile_rows_amd64")

	lists, sparses := gen.NewAsm(), gen.NewAsm()
	for _, isa := range gen.ISAs {
		for _, p := range []int{4, 2, 1} {
			ternaryList(lists, isa, p)
		}
	}
	ternaryRow(lists)
	sparseRow(lists)
	for i, widths := range [][]int{{8, 4, 2, 1}, {4, 2, 1}, {4, 2, 1}, {4, 2, 1}} {
		sparseRuns(sparses, gen.AVX512, i+1, widths)
	}
	for i, widths := range [][]int{{4, 2, 1}, {2, 1}, {2, 1}, {1}} {
		sparseRuns(sparses, gen.AVX2, i+1, widths)
	}
	sparses.Write("layer", "sparse_amd64")
	lists.Write("layer", "lists_amd64")

	terms := gen.NewAsm()
	for _, isa := range gen.ISAs {
		termTable(terms, isa)
		termSums(terms, isa)
		termList(terms, isa, 2)
		termList(terms, isa, 1)
	}
	terms.Write("layer", "terms_amd64")

	perms := gen.NewAsm()
	permTables512(perms)
	permTables256(perms)
	for _, v := range []int{16, 8, 4, 2, 1} {
		permSums512(perms, v)
	}
	permSums256(perms)
	perms.Write("layer", "perm_amd64")

	attend := gen.NewAsm()
	for _, isa := range gen.ISAs {
		for _, kernel := range []func(*gen.Asm, gen.ISA){scoreRows, shiftRows, sumRows, scaleRows, selectRows} {
			kernel(attend, isa)
		}
	}
	attend.Write("layer", "attend_rows_amd64")
}
