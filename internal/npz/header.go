package npz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

const magic = "\x93NUMPY"

// A header says what the bytes of an array mean.
type header struct {
	dtype   ir.DType
	size    int // of an element, in bytes
	order   binary.ByteOrder
	kind    byte // NumPy's letter
	fortran bool // column-major
	shape   []int
}

// maxHeader bounds the text of a header.
const maxHeader = 1 << 16

func readHeader(r io.Reader) (*header, error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != magic {
		return nil, errors.New("not a .npy file")
	}
	length := make([]byte, 2)
	if start[6] >= 2 {
		length = make([]byte, 4)
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(append(length, 0, 0))
	if n > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, err
	}
	return parseHeader(string(text))
}

var (
	descrKey   = regexp.MustCompile(`'descr':\s*'([^']*)'`)
	fortranKey = regexp.MustCompile(`'fortran_order':\s*(True|False)`)
	shapeKey   = regexp.MustCompile(`'shape':\s*\(([0-9, ]*)\)`)
)

// parseHeader reads the Python dictionary of a header.
func parseHeader(text string) (*header, error) {
	descr, fortran, shape := descrKey.FindStringSubmatch(text), fortranKey.FindStringSubmatch(text), shapeKey.FindStringSubmatch(text)
	if descr == nil || fortran == nil || shape == nil {
		return nil, fmt.Errorf("cannot read the header %q; structured and object arrays are not supported", text)
	}
	h := &header{fortran: fortran[1] == "True"}
	for s := range strings.SplitSeq(shape[1], ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("length %s of an axis", s)
		}
		h.shape = append(h.shape, d)
	}
	return h, h.describe(descr[1])
}

var numbers = map[string]ir.DType{
	"b1": ir.Bool, "i1": ir.Int8, "i2": ir.Int16, "i4": ir.Int32, "i8": ir.Int64, "u1": ir.Uint8, "u2": ir.Uint16, "u4": ir.Uint32,
	"u8": ir.Uint64, "f2": ir.Float16, "f4": ir.Float32, "f8": ir.Float64, "c8": ir.Complex64, "c16": ir.Complex128,
}

// describe reads an element type such as <f4: order, kind, size.
func (h *header) describe(s string) error {
	h.order = binary.LittleEndian
	if s != "" && strings.ContainsRune("<>|=", rune(s[0])) {
		if s[0] == '>' {
			h.order = binary.BigEndian
		}
		s = s[1:]
	}
	var n int
	if s != "" {
		h.kind = s[0]
		n, _ = strconv.Atoi(s[1:])
	}
	const longest = 1 << 20
	switch d, ok := numbers[s]; {
	case ok:
		h.dtype, h.size = d, n
	case h.kind == 'U' && n >= 0 && n < longest: // UTF-32
		h.dtype, h.size = ir.String, 4*n
	case h.kind == 'S' && n >= 0 && n < longest:
		h.dtype, h.size = ir.String, n
	default:
		return fmt.Errorf("element type %q is not supported", s)
	}
	return nil
}

// elements is the number of elements, which must fit a file of the given size.
func (h *header) elements(size uint64) (int, error) {
	n := uint64(1)
	for _, d := range h.shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if n = lo; hi != 0 {
			return 0, fmt.Errorf("shape %v is too large", h.shape)
		}
	}
	if hi, lo := bits.Mul64(n, uint64(max(h.size, 1))); hi != 0 || lo > max(size, 1<<16) {
		return 0, fmt.Errorf("%d elements do not fit a file of %d bytes", n, size)
	}
	return int(n), nil
}

// tensor decodes the elements.
func (h *header) tensor(data []byte) *ir.Tensor {
	t := ir.NewTensor(h.dtype, h.shape...)
	if s, ok := t.Any().([]string); ok {
		for i := range s {
			s[i] = h.text(data[i*h.size : (i+1)*h.size])
		}
		return t
	}
	if t.Len() > 0 {
		if err := binary.Read(bytes.NewReader(data), h.order, t.Any()); err != nil {
			panic(err)
		}
	}
	return t
}

// text decodes a string, which is padded with zeros.
func (h *header) text(b []byte) string {
	if h.kind == 'S' {
		return string(bytes.TrimRight(b, "\x00"))
	}
	var s strings.Builder
	for ; len(b) >= 4; b = b[4:] {
		s.WriteRune(rune(h.order.Uint32(b)))
	}
	return strings.TrimRight(s.String(), "\x00")
}

// write writes t with its header.
func write(w io.Writer, t *ir.Tensor) error {
	var data bytes.Buffer
	descr := ""
	if s, ok := t.Any().([]string); ok {
		descr = writeText(&data, s)
	} else if err := binary.Write(&data, binary.LittleEndian, t.Any()); err != nil {
		return err
	}
	if descr == "" {
		held := heldAs(t)
		for name, d := range numbers {
			if d == held {
				descr = "<" + name
			}
		}
	}
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		dims[i] = strconv.Itoa(d) + ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.Join(dims, " "))
	const align = 64 // of the elements, as NumPy does it
	pad := align - (len(magic)+4+len(text)+1)%align
	text += strings.Repeat(" ", pad) + "\n"
	head := binary.LittleEndian.AppendUint16([]byte(magic+"\x01\x00"), uint16(len(text)))
	if _, err := w.Write(append(head, text...)); err != nil {
		return err
	}
	_, err := w.Write(data.Bytes())
	return err
}

// heldAs is the type with a NumPy name whose elements the tensor holds.
func heldAs(t *ir.Tensor) ir.DType {
	if t.DType == ir.Float16 {
		return ir.Float16
	}
	switch t.Any().(type) {
	case []uint16:
		return ir.Uint16
	case []uint8:
		return ir.Uint8
	case []int8:
		return ir.Int8
	}
	return t.DType
}

// writeText writes strings as NumPy's UTF-32 of equal length and returns the element type.
func writeText(w *bytes.Buffer, s []string) string {
	n := 1
	for _, x := range s {
		n = max(n, len([]rune(x)))
	}
	for _, x := range s {
		row := make([]byte, 0, 4*n)
		for _, r := range x {
			row = binary.LittleEndian.AppendUint32(row, uint32(r))
		}
		w.Write(row)
		w.Write(make([]byte, 4*n-len(row)))
	}
	return fmt.Sprintf("<U%d", n)
}

// Convert returns t as the element type d. What NumPy has no type for (bfloat16, float8) is read from the unsigned
// integers that hold its bits; any other number converts where no element changes its value.
func Convert(t *ir.Tensor, d ir.DType) (*ir.Tensor, error) {
	if t.DType == d {
		return t, nil
	}
	out := ir.NewTensor(d, t.Shape...)
	number := func(d ir.DType) bool { return d.IsFloat() || d.IsInt() }
	switch {
	case !number(d) || !number(t.DType):
		return nil, fmt.Errorf("the elements are %v, wanted %v", t.DType, d)
	case d.IsFloat() && reflect.TypeOf(out.Any()) == reflect.TypeOf(t.Any()):
		reflect.Copy(reflect.ValueOf(out.Any()), reflect.ValueOf(t.Any()))
		return out, nil
	case d.IsInt() && t.DType.IsInt():
		out = ir.FromInts(d, t.Shape, t.Ints())
	default:
		out = ir.FromFloats(d, t.Shape, t.Floats())
	}
	to := out.Floats()
	for i, a := range t.Floats() {
		if b := to[i]; a != b && (a == a || b == b) {
			return nil, fmt.Errorf("the elements are %v, wanted %v, and %v does not fit; convert the array, as with astype", t.DType, d, a)
		}
	}
	return out, nil
}
