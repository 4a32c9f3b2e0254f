// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// add32Slice computes dst[i] = x[i] + y[i]; dst may be x or y.
func add32Slice(dst, x, y []float32) { add32SliceGeneric(dst, x, y) }

// sub32Slice computes dst[i] = x[i] - y[i]; dst may be x or y.
func sub32Slice(dst, x, y []float32) { sub32SliceGeneric(dst, x, y) }

// mul32Slice computes dst[i] = x[i] * y[i]; dst may be x or y.
func mul32Slice(dst, x, y []float32) { mul32SliceGeneric(dst, x, y) }

// max32Slice computes dst[i] = y[i] > x[i] || y[i] is NaN ? y[i] : x[i]; dst may be x or y.
func max32Slice(dst, x, y []float32) { max32SliceGeneric(dst, x, y) }

// scale32Slice computes dst[i] = x[i] * factor; dst may be x.
func scale32Slice(dst, x []float32, factor float32) { scale32SliceGeneric(dst, x, factor) }

// relu32Slice computes dst[i] = x[i] < 0 ? 0 : x[i]; dst may be x.
func relu32Slice(dst, x []float32) { relu32SliceGeneric(dst, x) }
