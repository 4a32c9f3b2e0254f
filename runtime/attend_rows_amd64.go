// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// Rows of 16 lanes of attention: the scores of a key for 16 queries, or a feature of the result.

// scoreRows finishes n rows of scores, one or more, times *scale; mask may be nil. A lane is a member if its word of member is all
// ones, not if it is zero.
//
//	for j := range n {
//		for l := range 16 {
//			x := src[16*j+l]*scale + mask[16*j+l]
//			if !member[l] {
//				x = -inf
//			}
//			if x > top[l] {
//				top[l] = x
//			}
//			dst[16*j+l] = x
//		}
//	}
func scoreRows(dst, src, mask, member, top, scale *float32, n int) {
	if path == pathAVX512 {
		scoreRowsAVX512(dst, src, mask, member, top, scale, n)
	} else {
		scoreRowsAVX2(dst, src, mask, member, top, scale, n)
	}
}

// shiftRows subtracts a row from n rows, one or more: x[16*j+l] -= by[l].
func shiftRows(x, by *float32, n int) {
	if path == pathAVX512 {
		shiftRowsAVX512(x, by, n)
	} else {
		shiftRowsAVX2(x, by, n)
	}
}

// sumRows sets what is in lanes that are no members to +0 and adds n rows, one or more: sum[l] += x[16*j+l].
func sumRows(x, sum, member *float32, n int) {
	if path == pathAVX512 {
		sumRowsAVX512(x, sum, member, n)
	} else {
		sumRowsAVX2(x, sum, member, n)
	}
}

// scaleRows multiplies n rows, one or more, by a row: dst[16*j+l] = src[16*j+l]*by[l].
func scaleRows(dst, src, by *float32, n int) {
	if path == pathAVX512 {
		scaleRowsAVX512(dst, src, by, n)
	} else {
		scaleRowsAVX2(dst, src, by, n)
	}
}

// selectRows copies n rows, one or more, in the lanes that are members.
func selectRows(dst, src, member *float32, n int) {
	if path == pathAVX512 {
		selectRowsAVX512(dst, src, member, n)
	} else {
		selectRowsAVX2(dst, src, member, n)
	}
}

// finishScores scales the scores of n keys, adds the mask and keeps the largest of each lane; lanes without a key get -Inf.
func finishScores(scores, mask []float32, top *[lanes]float32, n int, s *oneQuery) {
	if path == pathPureGo || mask != nil {
		finishScoresGeneric(scores, mask, top, n, s)
		return
	}
	scale, member := s.scale, everyLane(ones32)
	if n >= lanes {
		scoreRows(&scores[0], &scores[0], nil, &member[0], &top[0], &scale, n/lanes)
	}
	if rest := n % lanes; rest > 0 {
		member = lanesBelow(rest)
		x := scores[n-rest:][:lanes]
		scoreRows(&x[0], &x[0], nil, &member[0], &top[0], &scale, 1)
	}
}

//go:noescape
func scoreRowsAVX2(dst, src, mask, member, top, scale *float32, n int)

//go:noescape
func scoreRowsAVX512(dst, src, mask, member, top, scale *float32, n int)

//go:noescape
func shiftRowsAVX2(x, by *float32, n int)

//go:noescape
func shiftRowsAVX512(x, by *float32, n int)

//go:noescape
func sumRowsAVX2(x, sum, member *float32, n int)

//go:noescape
func sumRowsAVX512(x, sum, member *float32, n int)

//go:noescape
func scaleRowsAVX2(dst, src, by *float32, n int)

//go:noescape
func scaleRowsAVX512(dst, src, by *float32, n int)

//go:noescape
func selectRowsAVX2(dst, src, member *float32, n int)

//go:noescape
func selectRowsAVX512(dst, src, member *float32, n int)
