// SPDX-License-Identifier: MIT-0

package runtime

// convolve is y[n,m,p] = b[m] + sum of x[n,c,p*stride-before+k*dilation] * w[m,c,k] over the channels c of the group
// of filter m, then over kernel positions k, both increasing; products are rounded before they are added.
func convolve[T float64 | int32](y, x, w, b []T, batch, channels, filters, groups int, axes []int) {
	convolution(y, x, w, b, batch, channels, filters, groups, axes, func(y, x []T, w T, stride int) {
		for i := range y {
			y[i] += T(x[i*stride] * w)
		}
	})
}

// convolve32 is convolve where every step is one fused multiply-add.
func convolve32(y, x, w, b []float32, batch, channels, filters, groups int, axes []int) {
	convolution(y, x, w, b, batch, channels, filters, groups, axes, func(y, x []float32, w float32, stride int) {
		if stride == 1 {
			for i, v := range x[:len(y)] {
				y[i] = fma32(v, w, y[i])
			}
			return
		}
		for i := range y {
			y[i] = fma32(x[i*stride], w, y[i])
		}
	})
}

// convolution adds x*w to whole rows of y at once; step does it for one weight.
func convolution[T any](y, x, w, b []T, batch, channels, filters, groups int, axes []int, step func(y, x []T, w T, stride int)) {
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
			for c := range perGroup {
				xc := x[(n*channels+m/filtersEach*perGroup+c)*in:][:in]
				wc := w[(m*perGroup+c)*kernel:][:kernel]
				addChannel(plane, xc, wc, &s, step)
			}
		}
	}
}

// addChannel adds what one channel gives one filter.
func addChannel[T any](y, x, w []T, s *[3]slide, step func(y, x []T, w T, stride int)) {
	for k := range w {
		k0, k1, k2 := k/(s[1].kernel*s[2].kernel), k/s[2].kernel%s[1].kernel, k%s[2].kernel
		lo0, hi0 := s[0].live(k0)
		lo1, hi1 := s[1].live(k1)
		lo2, hi2 := s[2].live(k2)
		if lo2 >= hi2 {
			continue
		}
		for i := lo0; i < hi0; i++ {
			z := s[0].first(i) + k0*s[0].dilation
			for j := lo1; j < hi1; j++ {
				v := s[1].first(j) + k1*s[1].dilation
				row := y[(i*s[1].out+j)*s[2].out:][:s[2].out]
				from := (z*s[1].in+v)*s[2].in + s[2].first(lo2) + k2*s[2].dilation
				step(row[lo2:hi2], x[from:], w[k], s[2].stride)
			}
		}
	}
}
