// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// nonMaxSuppression writes batch, class and box of the boxes, [batches, n, 4], that the scores, [batches, classes, n],
// prefer and that overlap none preferred more. most, share and least may be nil. Overlaps are computed in float64.
func nonMaxSuppression(out []int64, boxes, scores []float32, most []int64, share, least []float32, batches, classes, n int, center bool) error {
	limit, over := int64(0), 0.0
	if most != nil {
		limit = most[0]
	}
	if share != nil {
		over = float64(share[0])
	}
	found := 0
	for b := range batches {
		box := boxes[b*n*4:]
		for c := range classes {
			score := scores[(b*classes+c)*n:][:n]
			begin, last := found, -1
			for int64(found-begin) < limit {
				next := -1 // the best box after the last one looked at
				for i, s := range score {
					if least != nil && !(s > least[0]) ||
						last >= 0 && !(s < score[last] || s == score[last] && i > last) {
						continue
					}
					if next < 0 || s > score[next] {
						next = i
					}
				}
				if next < 0 {
					break
				}
				last = next
				keep := true
				for k := begin; k < found && keep; k++ {
					keep = !boxesOverlap(box[next*4:], box[out[3*k+2]*4:], over, center)
				}
				if !keep {
					continue
				}
				if 3*found == len(out) {
					return fmt.Errorf("NonMaxSuppression: more than %d boxes, compiled for %d", found, found)
				}
				out[3*found], out[3*found+1], out[3*found+2] = int64(b), int64(c), int64(next)
				found++
			}
		}
	}
	if 3*found != len(out) {
		return fmt.Errorf("NonMaxSuppression: %d boxes, compiled for %d", found, len(out)/3)
	}
	return nil
}

// boxesOverlap reports whether the intersection of two boxes is more than a share of their union.
func boxesOverlap(p, q []float32, share float64, center bool) bool {
	ax1, ay1, ax2, ay2 := boxCorners(p, center)
	bx1, by1, bx2, by2 := boxCorners(q, center)
	w, h := min(ax2, bx2)-max(ax1, bx1), min(ay2, by2)-max(ay1, by1)
	if w <= 0 || h <= 0 {
		return false
	}
	both := float64(w * h)
	union := float64((ax2-ax1)*(ay2-ay1)) + float64((bx2-bx1)*(by2-by1)) - both
	return union > 0 && both/union > share
}

// boxCorners returns the lower and the upper corner of a box of two corners or of center and size.
func boxCorners(b []float32, center bool) (x1, y1, x2, y2 float64) {
	p, q, r, s := float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])
	if center {
		w, h := float64(r/2), float64(s/2)
		return p - w, q - h, p + w, q + h
	}
	return min(p, r), min(q, s), max(p, r), max(q, s)
}
