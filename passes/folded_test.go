package passes

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// TestFolded runs all portable passes over the small models of testdata/fold: what they make has the given text and less
// work, agrees with the model, and leaves the passes nothing to do.
func TestFolded(t *testing.T) {
	const file = "../testdata/fold/folded.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := txtar.Parse(data)
	for i := 0; i+1 < len(a.Files); i += 2 {
		in, out := &a.Files[i], &a.Files[i+1]
		name, ok := strings.CutSuffix(in.Name, ".in")
		if !ok || out.Name != name+".out" {
			t.Fatalf("%s: %s and %s are no pair", file, in.Name, out.Name)
		}
		t.Run(name, func(t *testing.T) {
			g := parse(t, string(in.Data))
			text, before := g.String(), work(g)
			if head, _, _ := strings.Cut(string(in.Data), "g ("); *update {
				in.Data = []byte(head + text)
			} else if head+text != string(in.Data) {
				t.Errorf("the canonical text is\n%s", text)
			}
			want := evalSeeded(t, g)
			if err := Fixpoint(g, Portable, Options{}); err != nil {
				t.Fatal(err)
			}
			agree(t, g, evalSeeded(t, g), want, ir.Folding)
			if now := work(g); now >= before {
				t.Errorf("work goes from %d to %d", before, now)
			}
			roundTrip(t, g, op.New)
			got := g.String()
			if *update {
				out.Data = []byte(got)
			} else if got != string(out.Data) {
				t.Errorf("got\n%swant\n%s", got, out.Data)
			}
			again := parse(t, got)
			if err := Fixpoint(again, Portable, Options{}); err != nil || again.String() != got {
				t.Errorf("the passes go on (%v) to\n%s", err, again)
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o666); err != nil {
			t.Error(err)
		}
	}
}
