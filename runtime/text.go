// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// stringConcat joins x and y, which broadcast to dims with the given strides.
func stringConcat(out, x, y []string, dims, xs, ys []int) {
	for i := range out {
		a, b, rest := 0, 0, i
		for k := len(dims) - 1; k >= 0; k-- {
			a += rest % dims[k] * xs[k]
			b += rest % dims[k] * ys[k]
			rest /= dims[k]
		}
		out[i] = x[a] + y[b]
	}
}

// stringSplit cuts every string at up to limit delimiters (-1: all; an empty delimiter is a run of blanks) and writes
// the pieces to pieces, [len(x), most], and their number to counts; either may be nil.
func stringSplit(pieces []string, counts []int64, x []string, delimiter string, limit, most int) error {
	largest := 0
	for i, s := range x {
		n, more := 0, delimiter != ""
		for {
			if delimiter == "" {
				s = strings.TrimLeftFunc(s, unicode.IsSpace)
				more = s != ""
			}
			if !more {
				break
			}
			piece := s
			cut, width := -1, len(delimiter)
			if n != limit {
				if delimiter == "" {
					cut, width = strings.IndexFunc(s, unicode.IsSpace), 0
				} else {
					cut = strings.Index(s, delimiter)
				}
			}
			if more = cut >= 0; more {
				piece, s = s[:cut], s[cut+width:]
			} else {
				s = ""
			}
			if pieces != nil {
				if n == most {
					return fmt.Errorf("StringSplit: more than %d pieces, compiled for %d", most, most)
				}
				pieces[i*most+n] = piece
			}
			n++
		}
		largest = max(largest, n)
		if counts != nil {
			counts[i] = int64(n)
		}
		if pieces != nil {
			clear(pieces[i*most+n : (i+1)*most])
		}
	}
	if pieces != nil && largest != most {
		return fmt.Errorf("StringSplit: %d pieces at most, compiled for %d", largest, most)
	}
	return nil
}

// stringNormalizer copies the strings that are no stop words, in another case if action is LOWER or UPPER, or one empty
// string if there are none.
func stringNormalizer(out, x []string, action string, sensitive bool, stop []string) error {
	n := 0
	for _, s := range x {
		dropped := false
		for _, w := range stop {
			dropped = dropped || s == w || !sensitive && strings.ToLower(s) == strings.ToLower(w)
		}
		if dropped {
			continue
		}
		if n < len(out) {
			switch action {
			case "LOWER":
				s = strings.ToLower(s)
			case "UPPER":
				s = strings.ToUpper(s)
			}
			out[n] = s
		}
		n++
	}
	if n == 0 && len(out) == 1 {
		out[0] = ""
		return nil
	}
	if n != len(out) {
		return fmt.Errorf("StringNormalizer: %d strings are left, compiled for %d", n, len(out))
	}
	return nil
}

// regexFullMatch reports which strings the pattern matches from end to end.
func regexFullMatch(out []bool, x []string, pattern string) error {
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return err
	}
	for i, s := range x {
		out[i] = re.MatchString(s)
	}
	return nil
}

// tfIdfStrings counts n-grams of strings; see tfIdf.
func tfIdfStrings(out []float32, x []string, cols, width int, pool []string, at, lens, columns []int, skip int, once bool, weights []float64) {
	tfIdf(out, len(x), cols, width, func(i, j int) bool { return x[i] == pool[j] }, at, lens, columns, skip, once, weights)
}

// tfIdfInts counts n-grams of integers; see tfIdf.
func tfIdfInts[T int32 | int64](out []float32, x []T, cols, width int, pool []int, at, lens, columns []int, skip int, once bool, weights []float64) {
	tfIdf(out, len(x), cols, width, func(i, j int) bool { return int64(x[i]) == int64(pool[j]) }, at, lens, columns, skip, once, weights)
}

// tfIdf counts in every row of cols elements the n-grams of a pool, n-gram k being lens[k] elements from at[k] on, in
// column columns[k]; up to skip elements may lie between neighbours. With once, what occurs counts once. Of equal
// n-grams the last counts.
func tfIdf(out []float32, n, cols, width int, equal func(i, j int) bool, at, lens, columns []int, skip int, once bool, weights []float64) {
	clear(out)
	for i := range n {
		row, left := i/cols, cols-i%cols
		for step := 1; step <= skip+1; step++ {
			for g := len(at) - 1; g >= 0; g-- {
				size := lens[g]
				if size == 1 && step > 1 || (size-1)*step >= left || !gramAt(equal, i, step, at[g], size) {
					continue
				}
				if shadowed(equal, i, step, at, lens, g) {
					continue
				}
				out[row*width+columns[g]]++
			}
		}
	}
	for i, c := range out {
		if once && c > 0 {
			out[i] = 1
		}
		if len(weights) > 0 {
			out[i] = float32(float64(out[i]) * weights[i%width])
		}
	}
}

// gramAt reports whether the elements i, i+step, ... are the pool's from at on.
func gramAt(equal func(i, j int) bool, i, step, at, size int) bool {
	for k := range size {
		if !equal(i+k*step, at+k) {
			return false
		}
	}
	return true
}

// shadowed reports whether an n-gram after g is the same.
func shadowed(equal func(i, j int) bool, i, step int, at, lens []int, g int) bool {
	for h := g + 1; h < len(at); h++ {
		if lens[h] == lens[g] && gramAt(equal, i, step, at[h], lens[h]) {
			return true
		}
	}
	return false
}
