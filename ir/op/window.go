package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Window is the attributes of operators that slide a kernel over the spatial axes of a tensor [batch, channels, ...].
type Window struct {
	AutoPad     string `onnx:"auto_pad,NOTSET"`
	Dilations   []int  `onnx:"dilations"`
	KernelShape []int  `onnx:"kernel_shape"`
	Pads        []int  `onnx:"pads"`
	Strides     []int  `onnx:"strides"`
}

// A slide is a window along one axis: output i reads inputs i·stride - before + k·dilation for k below kernel; reads
// outside [0, in) are padding, of which after elements count at the end.
type slide struct {
	in, out, kernel, stride, dilation, before, after int
}

// maxSpatial is the number of spatial axes that kernels are written for; those that a tensor lacks have length 1.
const maxSpatial = 3

// still is the slide along an axis that a tensor lacks.
var still = slide{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}

// span is the extent of a window.
func (s slide) span() int { return (s.kernel-1)*s.dilation + 1 }

// at is the input position that output i reads with kernel element k.
func (s slide) at(i, k int) (pos int, inside bool) {
	pos = i*s.stride - s.before + k*s.dilation
	return pos, pos >= 0 && pos < s.in
}

// slides returns the window along each spatial axis of x, whose lengths may be -1; ceil rounds result lengths up.
func (w *Window) slides(x []int, kernel []int, ceil bool) ([]slide, error) {
	n := len(x)
	if n < 1 || n > maxSpatial {
		return nil, fmt.Errorf("%d spatial axes; 1 to %d are supported", n, maxSpatial)
	}
	if len(kernel) != n {
		return nil, fmt.Errorf("the kernel %v does not have the %d spatial axes of the input", kernel, n)
	}
	pads := w.Pads
	if pads == nil || w.AutoPad != "NOTSET" {
		pads = make([]int, 2*n)
	}
	if len(pads) != 2*n {
		return nil, fmt.Errorf("attribute pads has %d elements, wanted %d", len(pads), 2*n)
	}
	out := make([]slide, n)
	for i := range out {
		s := slide{in: x[i], kernel: kernel[i], before: pads[i], after: pads[n+i]}
		var err error
		if s.stride, err = perAxis("strides", w.Strides, i, n); err != nil {
			return nil, err
		}
		if s.dilation, err = perAxis("dilations", w.Dilations, i, n); err != nil {
			return nil, err
		}
		if s.kernel < 1 && s.kernel != -1 || s.before < 0 || s.after < 0 {
			return nil, fmt.Errorf("kernel length %d and pads %d, %d along spatial axis %d; a kernel is at least 1 and pads are not negative", s.kernel, s.before, s.after, i)
		}
		if err := s.fit(w.AutoPad, ceil); err != nil {
			return nil, fmt.Errorf("spatial axis %d: %w", i, err)
		}
		out[i] = s
	}
	return out, nil
}

func perAxis(name string, list []int, i, n int) (int, error) {
	if list == nil {
		return 1, nil
	}
	if len(list) != n || list[i] < 1 {
		return 0, fmt.Errorf("attribute %s is %v, wanted %d numbers of at least 1", name, list, n)
	}
	return list[i], nil
}

// fit sets the length of the result, and the padding that auto_pad asks for.
func (s *slide) fit(auto string, ceil bool) error {
	switch auto {
	case "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER":
	default:
		return fmt.Errorf("attribute auto_pad is %q, wanted NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto)
	}
	if s.out = -1; s.in < 0 || s.kernel < 0 {
		return nil
	}
	if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
		s.out = (s.in + s.stride - 1) / s.stride
		total := max(0, (s.out-1)*s.stride+s.span()-s.in)
		s.before, s.after = total/2, total-total/2
		if auto == "SAME_LOWER" {
			s.before, s.after = s.after, s.before
		}
		return nil
	}
	room := s.in + s.before + s.after - s.span()
	if room < 0 {
		return fmt.Errorf("a window of %d does not fit %d elements with pads %d and %d", s.span(), s.in, s.before, s.after)
	}
	s.out = room/s.stride + 1
	if ceil && room%s.stride != 0 && s.out*s.stride < s.in+s.before { // a window must not begin in the padding at the end
		s.out++
	}
	return nil
}

// lengths are the result's spatial lengths.
func lengths(s []slide) []int {
	out := make([]int, len(s))
	for i := range s {
		out[i] = s[i].out
	}
	return out
}

// three puts axes that a tensor lacks first.
func three(s []slide) [maxSpatial]slide {
	out := [maxSpatial]slide{still, still, still}
	copy(out[maxSpatial-len(s):], s)
	return out
}

// args lists the slides for a kernel, axis by axis: in, out, kernel, stride, dilation, before, after.
func slideArgs(s [maxSpatial]slide) []int {
	var a []int
	for _, x := range s {
		a = append(a, x.in, x.out, x.kernel, x.stride, x.dilation, x.before, x.after)
	}
	return a
}

// spatial returns the axes of x after batch and channels; x has at least one.
func spatial(name string, x ir.Type) ([]int, error) {
	if len(x.Shape) < 3 {
		return nil, fmt.Errorf("%s is %v, wanted [batch, channels, ...]", name, x)
	}
	return x.Shape[2:], nil
}

// openTypes is n results of element type d and unknown rank.
func openTypes(d ir.DType, n int) []ir.Type {
	return slices.Repeat([]ir.Type{{DType: d, NoRank: true}}, n)
}
