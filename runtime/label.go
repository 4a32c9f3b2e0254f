// SPDX-License-Identifier: MIT-0

package runtime

// The kernels label<Keys><Values> replace each element of x that is a key by its value, others by a default, def[0]; of
// equal keys the first counts.

func labelStringsStrings(out, x []string, keys, values, def []string) {
	for i, s := range x {
		out[i] = chosen(keyString(s, keys), values, def)
	}
}

func labelStringsInts[V integer](out []V, x []string, keys []string, values, def []int) {
	for i, s := range x {
		out[i] = V(chosen(keyString(s, keys), values, def))
	}
}

func labelStringsFloats[V floating](out []V, x []string, keys []string, values, def []float64) {
	for i, s := range x {
		out[i] = V(chosen(keyString(s, keys), values, def))
	}
}

func labelIntsStrings[K integer](out []string, x []K, keys []int, values, def []string) {
	for i, v := range x {
		out[i] = chosen(keyInt(v, keys), values, def)
	}
}

func labelIntsInts[K, V integer](out []V, x []K, keys, values, def []int) {
	for i, v := range x {
		out[i] = V(chosen(keyInt(v, keys), values, def))
	}
}

func labelIntsFloats[K integer, V floating](out []V, x []K, keys []int, values, def []float64) {
	for i, v := range x {
		out[i] = V(chosen(keyInt(v, keys), values, def))
	}
}

func labelFloatsStrings[K floating](out []string, x []K, keys []float64, values, def []string) {
	for i, v := range x {
		out[i] = chosen(keyFloat(v, keys), values, def)
	}
}

func labelFloatsInts[K floating, V integer](out []V, x []K, keys []float64, values, def []int) {
	for i, v := range x {
		out[i] = V(chosen(keyFloat(v, keys), values, def))
	}
}

func labelFloatsFloats[K, V floating](out []V, x []K, keys []float64, values, def []float64) {
	for i, v := range x {
		out[i] = V(chosen(keyFloat(v, keys), values, def))
	}
}

// chosen is the value of a key, the default without one.
func chosen[T any](key int, values, def []T) T {
	if key < 0 {
		return def[0]
	}
	return values[key]
}

func keyString(s string, keys []string) int {
	for i, k := range keys {
		if s == k {
			return i
		}
	}
	return -1
}

func keyInt[K integer](v K, keys []int) int {
	for i, k := range keys {
		if int64(v) == int64(k) {
			return i
		}
	}
	return -1
}

// keyFloat takes NaN for one key.
func keyFloat[K floating](v K, keys []float64) int {
	for i, k := range keys {
		if float64(v) == k || v != v && k != k {
			return i
		}
	}
	return -1
}
