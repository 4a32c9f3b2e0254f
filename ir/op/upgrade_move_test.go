package op_test

import (
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

type attrs = map[string]any

// Nodes of older opsets, with attributes for what are inputs today, and their results worked by hand.
var older = []struct {
	op    string
	opset int
	attrs attrs
	in    string // the first is a graph input, the others are constants
	out   string
	err   string
}{
	{op: "Reshape", opset: 1, attrs: attrs{"shape": []int64{-1}, "consumed_inputs": []int64{0}}, in: "float[1,2] {1,2}", out: "float[2] {1,2}"},
	{op: "Reshape", opset: 4, in: "float[1,2] {1,2}", err: "attribute shape is required"},
	{op: "Squeeze", opset: 11, attrs: attrs{"axes": []int64{-1}}, in: "float[1,1] {1}", out: "float[1] {1}"},
	{op: "Unsqueeze", opset: 1, attrs: attrs{"axes": []int64{0}}, in: "float[2] {1,2}", out: "float[1,2] {1,2}"},
	{op: "Unsqueeze", opset: 11, in: "float[2] {1,2}", err: "attribute axes is required"},
	{op: "Slice", opset: 9, attrs: attrs{"starts": []int64{1}, "ends": []int64{9}, "axes": []int64{1}}, in: "float[1,3] {1,2,3}", out: "float[1,2] {2,3}"},
	{op: "Slice", opset: 10, in: "float[3] {1,2,3}\nint32[1] {1}\nint32[1] {2}", out: "float[1] {2}"},
	{op: "Split", opset: 11, attrs: attrs{"split": []int64{1, 2}}, in: "float[3] {1,2,3}", out: "float[1] {1}\nfloat[2] {2,3}"},
	{op: "Split", opset: 2, in: "float[2] {1,2}", out: "float[1] {1}\nfloat[1] {2}"},
	{op: "Split", opset: 13, in: "float[3] {1,2,3}", out: "float[2] {1,2}\nfloat[1] {3}", err: "does not divide into 2 equal parts"},
	{op: "Concat", opset: 1, in: "float[1,1] {1}\nfloat[1,1] {2}", out: "float[1,2] {1,2}"},
	{op: "Pad", opset: 2, attrs: attrs{"pads": []int64{1, 0}, "value": float32(9)}, in: "float[1] {1}", out: "float[2] {9,1}"},
	{op: "Pad", opset: 1, attrs: attrs{"paddings": []int64{0, 1}, "mode": "edge"}, in: "float[1] {1}", out: "float[2] {1,1}"},
	{op: "Tile", opset: 1, in: "float[1,2] {1,2}\nfloat {2}\nfloat {1}", out: "float[1,4] {1,2,1,2}"},
	{op: "TopK", opset: 1, attrs: attrs{"k": int64(1)}, in: "float[2] {1,2}", out: "float[1] {2}\nint64[1] {1}"},
	{op: "Resize", opset: 10, in: "float[2] {1,2}\nfloat[1] {2}", out: "float[4] {1,1,2,2}"},
	{op: "Resize", opset: 11, attrs: attrs{"coordinate_transformation_mode": "tf_half_pixel_for_nn"}, in: "float[2] {1,2}\nfloat[0] {}\nfloat[1] {2}", err: "tf_half_pixel_for_nn"},
	{op: "Upsample", opset: 7, attrs: attrs{"scales": []float32{2}}, in: "float[2] {1,2}", out: "float[4] {1,1,2,2}"},
	{op: "Upsample", opset: 1, attrs: attrs{"mode": "bilinear", "height_scale": float32(1), "width_scale": float32(2)}, in: "float[1,1,1,2] {1,2}", out: "float[1,1,1,4] {1,1.5,2,2}"},
	{op: "GridSample", opset: 16, attrs: attrs{"mode": "bicubic", "align_corners": int64(1)}, in: "float[1,1,4] {0,1,2,4}\nfloat[1,1,1] {0}", out: "float[1,1,1] {1.40625}"},
	{op: "RoiAlign", opset: 10, attrs: attrs{"sampling_ratio": int64(1)}, in: "float[1,1,3,3] {0,1,2,3,4,5,6,7,8}\nfloat[1,4] {0,0,1,2}\nint64[1] {0}", out: "float[1,1,1,1] {3.5}"},
	{op: "ai.onnx.ml.LabelEncoder", opset: 1, attrs: attrs{"classes_strings": []string{"a", "b"}}, in: `string[2] {"b","?"}`, out: "int64[2] {1,-1}"},
	{op: "ai.onnx.ml.LabelEncoder", opset: 1, attrs: attrs{"classes_strings": []string{"a", "b"}}, in: "int64[2] {1,7}", out: `string[2] {"b","_Unused"}`},
}

func TestUpgradeOfMovement(t *testing.T) {
	for _, c := range older {
		in, want := tensors(t, c.in), tensors(t, c.out)
		x := &ir.Value{Name: "x", Type: in[0].Type()}
		g := &ir.Graph{Name: "g", In: []*ir.Value{x}}
		n := &op.Raw{Op: c.op, Opset: c.opset, In: []*ir.Value{x}, Attrs: c.attrs}
		if n.Attrs == nil {
			n.Attrs = attrs{}
		}
		for i, k := range in[1:] {
			n.In = append(n.In, &ir.Value{Name: "c" + string(rune('0'+i)), Type: k.Type(), Const: k})
		}
		n.Out, n.Types = []string{"y", "z"}[:max(1, len(want))], make([]ir.Type, max(1, len(want)))
		out, err := op.Import(g, n)
		if err != nil || c.err != "" {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s of opset %d: error is %v, want %q", c.op, c.opset, err, c.err)
			}
			continue
		}
		g.Out = out
		got, err := g.Eval(in[:1])
		if err != nil {
			t.Errorf("%s of opset %d: %v", c.op, c.opset, err)
			continue
		}
		agree(t, c.op, g, got, want)
	}
}
