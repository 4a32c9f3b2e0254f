// SPDX-License-Identifier: MIT-0

package runtime

// Moments of the lanes of a panel. Sums over the features are four partial sums, of features c mod 4, which are added as
// (s0+s2) + (s1+s3).

// panelSums are such partial sums.
type panelSums [4][lanes]float32

// over divides the sums by the number of features of x.
func (p *panelSums) over(x []float32) (y [lanes]float32) {
	n := float32(len(x) / lanes)
	for l := range y {
		y[l] = ((p[0][l] + p[2][l]) + (p[1][l] + p[3][l])) / n
	}
	return y
}

// panelMeansGeneric computes the means of the features of the panel x.
func panelMeansGeneric(mean *[lanes]float32, x []float32) {
	var p panelSums
	for c := 0; c*lanes < len(x); c++ {
		laneSumGeneric(&p[c%4], x[c*lanes:][:lanes])
	}
	*mean = p.over(x)
}

// panelFactorsGeneric computes r = 1/sqrt(s/n + epsilon), s the sums of fma(d, d, ·) over the n features of the panel x,
// d = x - mean.
func panelFactorsGeneric(r, mean *[lanes]float32, x []float32, epsilon float32) {
	var p panelSums
	for c := 0; c*lanes < len(x); c++ {
		laneSquaresGeneric(&p[c%4], mean, x[c*lanes:][:lanes])
	}
	for l, v := range p.over(x) {
		r[l] = 1 / sqrt32(v+epsilon)
	}
}
