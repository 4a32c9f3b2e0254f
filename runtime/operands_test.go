package runtime

import (
	"strings"
	"testing"
)

// Operands that are known only at run time and do not fit what was compiled give an error, never a panic.
func TestOperandsThatDoNotFit(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	out := make([]float32, 64)
	list := func(v ...int64) []int64 { return v }
	dims := func(v ...int) []int { return v }
	for _, c := range []struct {
		err  error
		want string
	}{
		{reshape(out[:6], x, list(2, 2), dims(6), dims(2, 3), false), "compiled for [2 3]"},
		{reshape(out[:6], x, list(-1, -1), dims(6), dims(2, 3), false), "compiled for [2 3]"},
		{reshape(out[:6], x, list(6), dims(6), dims(2, 3), false), "compiled for [2 3]"},
		{reshape(out[:6], x, list(0, 3), dims(6), dims(2, 3), false), "compiled for [2 3]"},
		{squeeze(out[:6], x, list(1), dims(1, 6), dims(6)), "the axes are [1]"},
		{squeeze(out[:6], x, list(0, 0), dims(1, 6), dims(6)), "the axes are [0 0]"},
		{squeeze(out[:6], x, list(5), dims(1, 6), dims(6)), "the axes are [5]"},
		{unsqueeze(out[:6], x, list(1), dims(6), dims(1, 6)), "the axes are [1]"},
		{unsqueeze(out[:6], x, list(0, -2), dims(6), dims(1, 6)), "the axes are [0 -2]"},
		{expand(out[:6], x, list(2, 6), dims(6), dims(1, 6)), "compiled for [1 6]"},
		{expand(out[:6], x, list(2, 1, 1), dims(6), dims(1, 6)), "compiled for [1 6]"},
		{sliceAll(out[:2], x, list(0), list(3), dims(6), dims(2)), "do not give the shape [2]"},
		{sliceAxes(out[:2], x, list(0), list(2), list(1), dims(6), dims(2)), "the axes are [1]"},
		{sliceAxes(out[:2], x, list(0, 0), list(2, 2), list(0, -1), dims(6), dims(2)), "the axes are [0 -1]"},
		{sliceSteps(out[:2], x, list(0), list(2), nil, list(0), dims(6), dims(2)), "do not give the shape [2]"},
		{padZero(out[:7], x, list(1), dims(6), dims(7), "constant"), "1 pads"},
		{padZero(out[:7], x, list(1, 1), dims(6), dims(7), "constant"), "which is to have length 7"},
		{padZero(out[:7], x, list(-7, 8), dims(6), dims(7), "edge"), "which is to have length 7"},
		{padAxes(out[:7], x, list(1, 0), nil, list(3), dims(6), dims(7), "constant"), "the axes are [3]"},
		{centerCropPad(out[:3], x, list(4), dims(6), dims(3), dims(0)), "the shape is [4]"},
		{tile(out[:12], x, list(3), dims(6), dims(12)), "the repeats of [6] are [3]"},
		{tile(out[:6], x, list(-1), dims(6), dims(6)), "the repeats of [6] are [-1]"},
		{gather(out[:1], x, list(6), 1, 6, 1), "index 6 of an axis of length 6"},
		{gather(out[:1], x, []int32{-7}, 1, 6, 1), "index -7 of an axis of length 6"},
		{gatherElements(out[:1], x, list(1<<40), dims(6), dims(1), 0), "of an axis of length 6"},
		{gatherND(out[:1], x, list(1, 3), 1, dims(2, 3), 1), "index 3 of an axis of length 3"},
		{scatterElements(out[:6], x, list(-7), x[:1], dims(6), dims(1), 0), "index -7"},
		{scatterReduce(out[:6], x, list(7), x[:1], dims(6), dims(1), 0, "add"), "index 7"},
		{scatterND(out[:6], x, list(2, 0), x[:1], dims(2, 3), 1), "index 2"},
		{scatterReduceND(out[:6], x, list(0, -4), x[:1], dims(2, 3), 1, "max"), "index -4"},
		{tensorScatter(out[:6], x, x[:2], list(5), 1, 1, 6, 2, 1, false), "write index 5"},
		{tensorScatter(out[:6], x, x[:2], list(-1), 1, 1, 6, 2, 1, true), "write index -1"},
		{oneHot(out[:2], list(0), list(3), x[:2], 2, 1), "the depth is [3]"},
		{compress(out[:2], x, []bool{true}, 1, 6, 1), "keeps 1 slices, compiled for 2"},
		{compress(out[:2], x, make([]bool, 7), 1, 6, 1), "compiled for 2"},
		{nonZero(make([]int64, 5), x, dims(6)), "6 elements are not zero, compiled for 5"},
		{topK(out[:1], make([]int64, 1), x, list(2), 1, 6, 1, 1, true), "k is [2], compiled for 1"},
		{unique(out[:5], nil, nil, nil, x, 1, 6, 1, 5, true), "more than 5"},
		{unique(out[:7], nil, nil, nil, x, 1, 6, 1, 7, false), "6 distinct elements, compiled for 7"},
		{nonMaxSuppression(make([]int64, 3), []float32{0, 0, 1, 1}, []float32{1}, list(0), nil, nil, 1, 1, 1, false), "0 boxes, compiled for 1"},
		{reverseSequence(out[:6], x, list(7), 6, 1, 1, true), "a sequence of length 7"},
		{col2im(out[:4], x, list(2, 2), list(1, 1), 1, 1, 6, dims(2, 2), dims(1, 1), dims(0, 0, 0, 0), dims(1, 1)), "gives 4 columns"},
		{resizeNearest(out[:12], x, nil, []float32{3}, nil, dims(6), dims(12), dims(0), "asymmetric", "floor", "stretch"), "which is to have length 12"},
		{resize(out[:12], x, nil, nil, list(-1), dims(6), dims(12), dims(0), "linear", "asymmetric", "stretch", 0, false, false), "which is to have length 12"},
		{affineGrid(out[:4], x, list(1, 1, 2, 2), dims(1, 1, 2, 2), false), "the size is [1 1 2 2]"},
		{roiAlign(out[:1], x[:4], x[:4], list(1), dims(1, 1, 2, 2), 1, 1, 1, 1, true, false), "batch index 1 of 1"},
		{roiAlign(out[:1], x[:4], []float32{0, 0, 1e9, 1}, list(0), dims(1, 1, 2, 2), 1, 1, 0, 1, true, false), "at most 4096"},
		{stringSplit(make([]string, 1), nil, []string{"a b"}, "", -1, 1), "more than 1 pieces"},
		{stringNormalizer(make([]string, 2), []string{"a"}, "NONE", true, nil), "1 strings are left, compiled for 2"},
		{regexFullMatch(make([]bool, 1), []string{"a"}, "("), "missing closing )"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error is %v, want %q", c.err, c.want)
		}
	}
}
