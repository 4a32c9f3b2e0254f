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

func queryPair(dst, q, keys []float32, panels, step, next int) {
	dh := len(q) / 2
	queryKeysGeneric(dst, q[:dh], keys, panels, step)
	queryKeysGeneric(dst[next:], q[dh:], keys, panels, step)
}

func rowProducts2(dst, dst2, src, e, e2 []float32, rows, n, step int) {
	rowProductsGeneric(dst, src, e, rows, n, step)
	rowProductsGeneric(dst2, src, e2, rows, n, step)
}

func keyWeights(scores []float32, n int, scale float32) (sum float32, ok bool) { return 0, false }
