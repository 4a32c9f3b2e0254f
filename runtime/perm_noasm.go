// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func permRows(dst, src []float32, w *perm, scale, bias, tab []float32, rows, k, n int) {
	permRowsGeneric(dst, src, w, scale, bias, tab, rows, k, n)
}

func permTables(tab, x []float32, groups int) { permTablesGeneric(tab, x, groups) }

func (w *perm) pack(int) func(j int, signs []uint8) { return w.list }
