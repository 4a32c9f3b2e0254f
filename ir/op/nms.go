package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var nms = []Def{
	{Name: "NonMaxSuppression", Since: 11, From: 10, In: Arity{2, 5}, Out: Arity{1, 1},
		Types: []Types{Of(ir.Float32), Of(ir.Float32), Int64s, Of(ir.Float32), Of(ir.Float32)}, Proto: &NonMaxSuppression{}},
}

// NonMaxSuppression is https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html, version 11. Its inputs are boxes
// [batch, n, 4], scores [batch, classes, n], the number of boxes to keep of a class (default 0), the overlap above
// which a box is dropped (default 0) and the score that a box must exceed (default: any). The result lists batch,
// class and box, best first; of equal scores the earlier box. Overlaps are computed in float64: the area of the
// intersection over what is left of area + area - intersection, no overlap if that is not positive.
type NonMaxSuppression struct {
	Center bool `onnx:"center_point_box,0"` // boxes are [x center, y center, width, height], not two corners
}

// Name is the operator's ONNX name.
func (*NonMaxSuppression) Name() string { return "NonMaxSuppression" }

// Infer returns a list whose length depends on the values.
func (*NonMaxSuppression) Infer(in []*ir.Value) ([]ir.Type, error) {
	b, s := in[0].Type, in[1].Type
	if !b.NoRank && len(b.Shape) != 3 || !s.NoRank && len(s.Shape) != 3 {
		return nil, fmt.Errorf("boxes are %v, scores %v: they must have three dimensions", b, s)
	}
	if b.Static() && s.Static() && (b.Shape[2] != 4 || b.Shape[0] != s.Shape[0] || b.Shape[1] != s.Shape[2]) {
		return nil, fmt.Errorf("boxes are %v, scores %v: they must be [batch, n, 4] and [batch, classes, n]", b, s)
	}
	for i, v := range in {
		if i >= 2 && v != nil && v.Type.Static() && v.Type.Len() != 1 {
			return nil, fmt.Errorf("%v is %v, it must be one number", v, v.Type)
		}
	}
	return oneType(ir.Int64, []int{-1, 3}), nil
}

// corners returns x1, y1, x2, y2 of a box.
func (m *NonMaxSuppression) corners(b []float64) [4]float64 {
	if m.Center {
		return [4]float64{b[0] - b[2]/2, b[1] - b[3]/2, b[0] + b[2]/2, b[1] + b[3]/2}
	}
	return [4]float64{min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])}
}

// overlaps reports whether two boxes overlap by more than a share of their union.
func (m *NonMaxSuppression) overlaps(p, q []float64, share float64) bool {
	a, b := m.corners(p), m.corners(q)
	w, h := min(a[2], b[2])-max(a[0], b[0]), min(a[3], b[3])-max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return false
	}
	both := float64(w * h)
	union := float64((a[2]-a[0])*(a[3]-a[1])) + float64((b[2]-b[0])*(b[3]-b[1])) - both
	return union > 0 && both/union > share
}

// Eval goes through the boxes of a class by score.
func (m *NonMaxSuppression) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	boxes, scores := in[0].Floats(), in[1].Floats()
	batch, classes, n := in[1].Shape[0], in[1].Shape[1], in[1].Shape[2]
	most, share := int64(0), 0.0
	if has(in, 2) {
		most = in[2].Ints()[0]
	}
	if has(in, 3) {
		share = in[3].Floats()[0]
	}
	out := []int64{}
	for b := range batch {
		for c := range classes {
			score, box := scores[(b*classes+c)*n:][:n], boxes[b*n*4:][:n*4]
			order := allAxes(n)
			if has(in, 4) {
				least := in[4].Floats()[0]
				order = slices.DeleteFunc(order, func(i int) bool { return !(score[i] > least) })
			}
			slices.SortStableFunc(order, func(i, j int) int {
				switch {
				case score[i] > score[j]:
					return -1
				case score[i] < score[j]:
					return 1
				}
				return 0
			})
			var taken []int
			for _, i := range order {
				if int64(len(taken)) >= most {
					break
				}
				if !slices.ContainsFunc(taken, func(j int) bool { return m.overlaps(box[i*4:], box[j*4:], share) }) {
					taken = append(taken, i)
					out = append(out, int64(b), int64(c), int64(i))
				}
			}
		}
	}
	return []*ir.Tensor{ir.Of(ir.Int64, []int{len(out) / 3, 3}, out)}, nil
}

// Lower calls a kernel, which compares the number of boxes with the declared one.
func (m *NonMaxSuppression) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	s := n.In[1].Type.Shape
	return call(b, withInputs(n, 5), "nonMaxSuppression", s[0], s[1], s[2], m.Center)
}
