// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func panelScoresAVX512(dst, q, keys, top, scale *float32, dh, count, step int)

//go:noescape
func panelValues1AVX2(dst, e, values, sum *float32, keys, step int)

//go:noescape
func panelValues4AVX2(dst, e, values, sum *float32, keys, step int)

//go:noescape
func panelValues1AVX512(dst, e, values, sum *float32, keys, step int)

//go:noescape
func panelValues4AVX512(dst, e, values, sum *float32, keys, step int)

//go:noescape
func panelValues8AVX512(dst, e, values, sum *float32, keys, step int)

//go:noescape
func panelValues16AVX512(dst, e, values, sum *float32, keys, step int)

// longKeys is from how many keys on an assembly call over all of them could take some 50 microseconds, in which the garbage
// collector cannot interrupt it.
const longKeys = 1 << 12

// wholePanel reports whether all lanes attend to the same keys, which begin with a panel, without a mask.
func wholePanel(t *queryPanel, mask []float32) bool {
	const all = 1<<lanes - 1
	return mask == nil && len(t.segments) == 3 && t.segments[2] == all && (t.keyRow(t.b)+int(t.segments[0]))%lanes == 0 &&
		t.keys*t.dh <= longKeys*64 && t.keys <= longKeys && 2*t.dv >= lanes
}

// runWhole is run for such a panel: scores has a row for each key, and then the results.
func runWhole(t *queryPanel, dst, q, k, v, scores []float32) {
	first := t.keyRow(t.b) + int(t.segments[0])
	n, panel, g := int(t.segments[1]-t.segments[0]), first/lanes, t.h/(t.heads/t.kvHeads)
	qh := q[(t.panel*t.heads+t.h)*t.dh*lanes:][:t.dh*lanes]
	top, sum, scale := everyLane(-inf32), [lanes]float32{}, t.scale
	kh := k[(panel*t.kvHeads+g)*t.dh*lanes:]
	if path == pathAVX512 {
		panelScoresAVX512(&scores[0], &qh[0], &kh[0], &top[0], &scale, t.dh, n, 4*t.kvHeads*t.dh*lanes)
	} else {
		member := everyLane(ones32)
		for p := 0; p*lanes < n; p++ {
			x, kp := scores[p*lanes*lanes:], kh[p*t.kvHeads*t.dh*lanes:]
			keyScores((*[lanes * lanes]float32)(x), qh, kp[:t.dh*lanes], t.dh) // rows beyond the last key are not read
			scoreRows(&x[0], &x[0], nil, &member[0], &top[0], &scale, min(n-p*lanes, lanes))
		}
	}
	e := scores[:n*lanes]
	laneExp(e, e, &top, &sum)
	y := dst[(t.panel*t.heads+t.h)*t.dv*lanes:][:t.dv*lanes]
	out, direct := y, t.lo == 0 && (t.hi == lanes || t.alone())
	if !direct {
		out = scores[t.keys*lanes:][:t.dv*lanes]
	}
	allValues(t, out, e, v[(panel*t.kvHeads+g)*t.dv*lanes:], &sum, n)
	if direct {
		return
	}
	for c := range t.dv {
		copy(y[c*lanes+t.lo:c*lanes+t.hi], out[c*lanes+t.lo:])
	}
}

// allValues computes the chains of fma(e, v) over n keys, times 1/sum, for all features of a head.
func allValues(t *queryPanel, out, e, v []float32, sum *[lanes]float32, n int) {
	step := 4 * t.kvHeads * t.dv * lanes
	for c := 0; c < t.dv; {
		d, w := &out[c*lanes], &v[c*lanes]
		switch wide := path == pathAVX512; {
		case wide && c+16 <= t.dv:
			panelValues16AVX512(d, &e[0], w, &sum[0], n, step)
			c += 16
		case wide && c+8 <= t.dv:
			panelValues8AVX512(d, &e[0], w, &sum[0], n, step)
			c += 8
		case wide && c+4 <= t.dv:
			panelValues4AVX512(d, &e[0], w, &sum[0], n, step)
			c += 4
		case wide:
			panelValues1AVX512(d, &e[0], w, &sum[0], n, step)
			c++
		case c+4 <= t.dv:
			panelValues4AVX2(d, &e[0], w, &sum[0], n, step)
			c += 4
		default:
			panelValues1AVX2(d, &e[0], w, &sum[0], n, step)
			c++
		}
	}
}
