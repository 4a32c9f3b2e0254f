// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func attend(dst, q, k, v, mask, scores []float32, scratch []float64, s *attendShape, ends, spans []int32) {
	attendGeneric(dst, q, k, v, mask, scores, scratch, s, ends, spans)
}

func finishScores(scores, mask []float32, top *[lanes]float32, n int, s *oneQuery) {
	finishScoresGeneric(scores, mask, top, n, s)
}
