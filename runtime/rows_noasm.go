// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func rowSum(dst, src []float32, rows, n int)           { rowSumGeneric(dst, src, rows, n) }
func rowSquares(dst, src, mean []float32, rows, n int) { rowSquaresGeneric(dst, src, mean, rows, n) }

func rowProducts(dst, src, e []float32, rows, n, step int) {
	rowProductsGeneric(dst, src, e, rows, n, step)
}

func queryKeys(dst, q, keys []float32, panels, step int) {
	queryKeysGeneric(dst, q, keys, panels, step)
}

func spreadRow(dst, src []float32, lo, hi int) { spreadRowGeneric(dst, src, lo, hi) }
