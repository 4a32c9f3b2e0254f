// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func attendKept(dst, q, k, v, scores []float32, scratch []float64, s *attendShape, w *kept, _ []keptCode) {
	attendKeptGeneric(dst, q, k, v, scores, scratch, s, w)
}
