// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// deformConv is a convolution whose kernel positions are moved by offsets [batch, groups*positions*axes, out] and
// weighted by mask, which may be nil. It computes in float64: from the bias, channels of the group, then kernel
// positions increasing.
func deformConv[T floating](y, x, w, offset, b, mask []T, batch, channels, filters, groups int, axes []int, offsetGroups, rank int) {
	s := slides(axes)
	in := s[0].in * s[1].in * s[2].in
	out := s[0].out * s[1].out * s[2].out
	kernel := s[0].kernel * s[1].kernel * s[2].kernel
	perGroup, filtersEach := channels/groups, filters/groups
	for r := range y {
		p, m, n := r%out, r/out%filters, r/out/filters
		var acc float64
		if b != nil {
			acc = float64(b[m])
		}
		pos := [3]int{p / (s[1].out * s[2].out), p / s[2].out % s[1].out, p % s[2].out}
		for i := range perGroup {
			c := m/filtersEach*perGroup + i
			g := n*offsetGroups + c/(channels/offsetGroups)
			plane := x[(n*channels+c)*in:][:in]
			for k := range kernel {
				at := [3]int{k / (s[1].kernel * s[2].kernel), k / s[2].kernel % s[1].kernel, k % s[2].kernel}
				var where [3]float64
				for a := range where {
					where[a] = float64(s[a].first(pos[a]) + at[a]*s[a].dilation)
					if q := a - (3 - rank); q >= 0 {
						where[a] += float64(offset[((g*kernel+k)*rank+q)*out+p])
					}
				}
				v := float64(interpolate(plane, &s, &where) * float64(w[(m*perGroup+i)*kernel+k]))
				if mask != nil {
					v = float64(v * float64(mask[(g*kernel+k)*out+p]))
				}
				acc += v
			}
		}
		y[r] = T(acc)
	}
}

// interpolate sums the corners around a place, the last axis changing fastest; outside x is 0.
func interpolate[T floating](x []T, s *[3]slide, where *[3]float64) (sum float64) {
	for corner := range 8 {
		weight, at, inside := 1.0, 0, true
		for a, v := range where {
			base := math.Floor(v)
			f := v - base
			if corner>>(2-a)&1 == 1 {
				base++
			} else {
				f = 1 - f
			}
			weight = float64(weight * f)
			if inside = inside && base >= 0 && base < float64(s[a].in); inside {
				at = at*s[a].in + int(base)
			}
		}
		if inside && weight != 0 {
			sum += float64(weight * float64(x[at]))
		}
	}
	return sum
}
