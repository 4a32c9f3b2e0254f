// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func add32AVX2(dst, x, y []float32)

//go:noescape
func add32AVX512(dst, x, y []float32)

//go:noescape
func sub32AVX2(dst, x, y []float32)

//go:noescape
func sub32AVX512(dst, x, y []float32)

//go:noescape
func mul32AVX2(dst, x, y []float32)

//go:noescape
func mul32AVX512(dst, x, y []float32)

//go:noescape
func max32AVX2(dst, x, y []float32)

//go:noescape
func max32AVX512(dst, x, y []float32)

//go:noescape
func scale32AVX2(dst, x []float32, factor float32)

//go:noescape
func scale32AVX512(dst, x []float32, factor float32)

//go:noescape
func relu32AVX2(dst, x []float32)

//go:noescape
func relu32AVX512(dst, x []float32)

// elemBlock is how many elements an assembly call has: it takes at most some 10 microseconds, in which the garbage
// collector cannot interrupt it.
const elemBlock = 1 << 14

// add32Slice computes dst[i] = x[i] + y[i]; dst may be x or y.
func add32Slice(dst, x, y []float32) {
	if path == pathPureGo {
		add32SliceGeneric(dst, x, y)
		return
	}
	for len(x) > 0 {
		n := min(len(x), elemBlock)
		if path == pathAVX512 {
			add32AVX512(dst[:n], x[:n], y[:n])
		} else {
			add32AVX2(dst[:n], x[:n], y[:n])
		}
		dst, x, y = dst[n:], x[n:], y[n:]
	}
}

// sub32Slice computes dst[i] = x[i] - y[i]; dst may be x or y.
func sub32Slice(dst, x, y []float32) {
	if path == pathPureGo {
		sub32SliceGeneric(dst, x, y)
		return
	}
	for len(x) > 0 {
		n := min(len(x), elemBlock)
		if path == pathAVX512 {
			sub32AVX512(dst[:n], x[:n], y[:n])
		} else {
			sub32AVX2(dst[:n], x[:n], y[:n])
		}
		dst, x, y = dst[n:], x[n:], y[n:]
	}
}

// mul32Slice computes dst[i] = x[i] * y[i]; dst may be x or y.
func mul32Slice(dst, x, y []float32) {
	if path == pathPureGo {
		mul32SliceGeneric(dst, x, y)
		return
	}
	for len(x) > 0 {
		n := min(len(x), elemBlock)
		if path == pathAVX512 {
			mul32AVX512(dst[:n], x[:n], y[:n])
		} else {
			mul32AVX2(dst[:n], x[:n], y[:n])
		}
		dst, x, y = dst[n:], x[n:], y[n:]
	}
}

// max32Slice computes dst[i] = y[i] > x[i] || y[i] is NaN ? y[i] : x[i]; dst may be x or y.
func max32Slice(dst, x, y []float32) {
	if path == pathPureGo {
		max32SliceGeneric(dst, x, y)
		return
	}
	for len(x) > 0 {
		n := min(len(x), elemBlock)
		if path == pathAVX512 {
			max32AVX512(dst[:n], x[:n], y[:n])
		} else {
			max32AVX2(dst[:n], x[:n], y[:n])
		}
		dst, x, y = dst[n:], x[n:], y[n:]
	}
}

// scale32Slice computes dst[i] = x[i] * factor; dst may be x.
func scale32Slice(dst, x []float32, factor float32) {
	if path == pathPureGo {
		scale32SliceGeneric(dst, x, factor)
		return
	}
	for len(x) > 0 {
		n := min(len(x), elemBlock)
		if path == pathAVX512 {
			scale32AVX512(dst[:n], x[:n], factor)
		} else {
			scale32AVX2(dst[:n], x[:n], factor)
		}
		dst, x = dst[n:], x[n:]
	}
}

// relu32Slice computes dst[i] = x[i] < 0 ? 0 : x[i]; dst may be x.
func relu32Slice(dst, x []float32) {
	if path == pathPureGo {
		relu32SliceGeneric(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), elemBlock)
		if path == pathAVX512 {
			relu32AVX512(dst[:n], x[:n])
		} else {
			relu32AVX2(dst[:n], x[:n])
		}
		dst, x = dst[n:], x[n:]
	}
}
