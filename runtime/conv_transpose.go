// SPDX-License-Identifier: MIT-0

package runtime

// convolveTransposed is y[n,m,p*stride-before+k*dilation] += x[n,c,p] * w[c,m,k] from b[m], over the channels c of the
// group of filter m, then over kernel positions k, both increasing; products are rounded before they are added.
func convolveTransposed(y, x, w, b []float64, batch, channels, filters, groups int, axes []int) {
	transposed(y, x, w, b, batch, channels, filters, groups, axes, func(y, x []float64, w float64, stride int) {
		for i, v := range x {
			y[i*stride] += float64(v * w)
		}
	})
}

// convolveTransposed32 is convolveTransposed where every step is one fused multiply-add.
func convolveTransposed32(y, x, w, b []float32, batch, channels, filters, groups int, axes []int) {
	transposed(y, x, w, b, batch, channels, filters, groups, axes, func(y, x []float32, w float32, stride int) {
		for i, v := range x {
			y[i*stride] = fma32(v, w, y[i*stride])
		}
	})
}

func transposed[T any](y, x, w, b []T, batch, channels, filters, groups int, axes []int, step func(y, x []T, w T, stride int)) {
	s := slides(axes)
	in := s[0].in * s[1].in * s[2].in
	out := s[0].out * s[1].out * s[2].out
	kernel := s[0].kernel * s[1].kernel * s[2].kernel
	perGroup, filtersEach := channels/groups, filters/groups
	clear(y)
	for n := range batch {
		for m := range filters {
			plane := y[(n*filters+m)*out:][:out]
			if b != nil {
				for i := range plane {
					plane[i] = b[m]
				}
			}
			for i := range perGroup {
				c := m/filtersEach*perGroup + i
				spread(plane, x[(n*channels+c)*in:][:in], w[(c*filtersEach+m%filtersEach)*kernel:][:kernel], &s, step)
			}
		}
	}
}

// spread adds what one channel gives one filter.
func spread[T any](y, x, w []T, s *[3]slide, step func(y, x []T, w T, stride int)) {
	for k := range w {
		k0, k1, k2 := k/(s[1].kernel*s[2].kernel), k/s[2].kernel%s[1].kernel, k%s[2].kernel
		lo0, hi0 := s[0].hits(k0)
		lo1, hi1 := s[1].hits(k1)
		lo2, hi2 := s[2].hits(k2)
		if lo2 >= hi2 {
			continue
		}
		for i := lo0; i < hi0; i++ {
			z := s[0].first(i) + k0*s[0].dilation
			for j := lo1; j < hi1; j++ {
				v := s[1].first(j) + k1*s[1].dilation
				to := (z*s[1].out+v)*s[2].out + s[2].first(lo2) + k2*s[2].dilation
				row := x[(i*s[1].in+j)*s[2].in:][:s[2].in]
				step(y[to:], row[lo2:hi2], w[k], s[2].stride)
			}
		}
	}
}

// hits is the range of inputs that a transposed window puts inside the output with kernel element k.
func (s slide) hits(k int) (lo, hi int) {
	s.in, s.out = s.out, s.in
	return s.live(k)
}
