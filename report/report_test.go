package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

var update = flag.Bool("update", false, "rewrite testdata/report")

// model has a ternary layer of 20 rows, a third of whose weights are not zero, that a dense one follows, whose last row is read.
const model = `
g (float[20,6] x) => (float[1,2] "</script><b>y") {
  W = Constant<value=float[6,4] {1,0,0,-1, 0,0,1,0, 0,0,0,1, -1,0,0,0, 0,1,0,0, 0,-1,-1,0}>()
  V = sbtc.Rand<shape=[4,2], seed=2>()
  i = Constant<value=int64[1] {19}>()
  j = Constant<value=int64[1] {20}>()
  a = Constant<value=int64[1] {0}>()
  h = MatMul(x, W)
  r = Relu(h)
  m = Softmax<axis=0>(r)
  y = MatMul(m, V)
  "</script><b>y" = Slice(y, i, j, a)
}`

func reported(t *testing.T) *Report {
	t.Helper()
	g, err := ir.Parse("model", model, op.New)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "small.onnx")
	var b bytes.Buffer
	if err := frontend.Encode(g, &b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := check.Compile(path, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(path, c, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Warnings = []string{"<script>alert(1)</script>"}
	return r
}

// The figures are those that follow from the model: 20 rows of a 6 by 4 matrix, of which the softmax over rows needs all,
// and of a 4 by 2 matrix, of which one row is read. Sizes of files are not in the golden file.
func TestJSON(t *testing.T) {
	r := reported(t)
	if want := 20*6*4 + 20*4*2; r.Total.MACsDense != want {
		t.Errorf("%d dense multiply-adds, want %d", r.Total.MACsDense, want)
	}
	if want := 20*6*4 + 4*2; r.Total.MACsLive != want {
		t.Errorf("%d live multiply-adds, want %d", r.Total.MACsLive, want)
	}
	if want := 20*8 + 4*2; r.Total.MACsNonZero != want {
		t.Errorf("%d multiply-adds that are not zero, want %d", r.Total.MACsNonZero, want)
	}
	sum := 0
	for _, f := range r.Files {
		sum += f.Bytes
	}
	if sum != r.Bytes.Source+r.Bytes.Weights || r.Bytes.Weights == 0 || r.Bytes.AVX512 == 0 || r.Bytes.AVX2 == 0 {
		t.Errorf("files have %d bytes; %+v", sum, r.Bytes)
	}
	r.Files, r.Bytes = nil, Bytes{}
	for i := range r.Code {
		r.Code[i].AVX512, r.Code[i].AVX2 = 0, 0
	}
	var b bytes.Buffer
	if err := r.Write(&b, "r.JSON"); err != nil {
		t.Fatal(err)
	}
	const golden = "../testdata/report/small.json"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
	var back Report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Error(err)
	}
}

// The page is well-formed, names nothing outside of it, shows the figures, and quotes what comes from the model.
func TestHTML(t *testing.T) {
	r := reported(t)
	var b bytes.Buffer
	if err := r.Write(&b, "r.html"); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta"}, xml.HTMLEntity
	var text strings.Builder
	depth, rects := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, &b)
		}
		switch x := token.(type) {
		case xml.StartElement:
			if depth++; x.Name.Local == "rect" {
				rects++
			}
			if x.Name.Local == "script" || x.Name.Local == "link" || x.Name.Local == "b" {
				t.Errorf("element %s", x.Name.Local)
			}
			for _, a := range x.Attr {
				if a.Name.Local == "src" || a.Name.Local == "href" {
					t.Errorf("%s has %s=%q", x.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			text.Write(x)
			text.WriteString("|")
		}
	}
	if layers := 2; depth != 0 || rects < 4*(1+layers) {
		t.Errorf("%d elements are open, %d bars", depth, rects)
	}
	for _, want := range []string{"small.onnx", r.SHA256, grouped(r.Total.MACsDense), grouped(r.Total.MACsLive), grouped(r.Total.MACsNonZero),
		grouped(r.Bytes.AVX512), "33.3 %", "|rt|", "|</script><b>y ", "|<script>alert(1)</script>|", "|weights.bin|"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for path, ok := range map[string]bool{"a.html": true, "b/a.JSON": true, "a.pdf": false, "html": false, "": false} {
		if err := CheckPath(path); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
		if !ok && new(Report).Write(io.Discard, path) == nil {
			t.Errorf("%q is written", path)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1 000", -123456: "-123 456", 1234567: "1 234 567"} {
		if got := strings.ReplaceAll(grouped(n), "\u2009", " "); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
