// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// add32Slice computes dst[i] = x[i] + y[i]; dst may be x or y.
func add32Slice(dst, x, y []float32) { add32SliceGeneric(dst, x, y) }

// sub32Slice computes dst[i] = x[i] - y[i]; dst may be x or y.
func sub32Slice(dst, x, y []float32) { sub32SliceGeneric(dst, x, y) }

// mul32Slice computes dst[i] = x[i] * y[i]; dst may be x or y.
func mul32Slice(dst, x, y []float32) { mul32SliceGeneric(dst, x, y) }

// relu32Slice computes dst[i] = x[i] < 0 ? 0 : x[i]; dst may be x.
func relu32Slice(dst, x []float32) { relu32SliceGeneric(dst, x) }
