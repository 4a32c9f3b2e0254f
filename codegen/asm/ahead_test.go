package asm

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

// All panels together fetch every line of the next function, each once.
func TestAheadFetchesAll(t *testing.T) {
	nonzero := 0
	l := timedLayer(rand.New(rand.NewPCG(3, 4)), 200, 300, 1, .4, low.Order{Strategy: "rt", Columns: 22, Pairs: true}, &nonzero)
	l.Name = "x"
	offset := regexp.MustCompile(`PREFETCHT1 (\d+)\(`)
	step := regexp.MustCompile(`ADDQ \$(\d+), (BX|R\d+|AX)\n(\tADDQ|\tDEC)`)
	for _, set := range []Set{AVX2, AVX512} {
		for _, panels := range []int{1, 2, 6, 50} {
			fs, err := l.Functions(set, NewPool("x", 1))
			if err != nil {
				t.Fatal(err)
			}
			if len(fs) < 3 {
				t.Fatalf("%d functions", len(fs))
			}
			before := fs[1].Bytes
			fs[0].Ahead(&fs[1], panels)
			text := fs[0].Text
			if !strings.Contains(text, fmt.Sprintf("LEAQ ·%s(SB), ", fs[1].Name)) {
				t.Errorf("%v, %d panels: the address of the next function is missing", set, panels)
			}
			s := step.FindStringSubmatch(text)
			if s == nil {
				t.Fatalf("%v, %d panels: the address does not move", set, panels)
			}
			move, _ := strconv.Atoi(s[1])
			passes := panels
			if set == AVX2 {
				passes *= 2
			}
			seen := map[int]int{}
			for p := range passes {
				for _, m := range offset.FindAllStringSubmatch(text, -1) {
					d, _ := strconv.Atoi(m[1])
					seen[p*move+d]++
				}
			}
			for at := 0; at < before; at += cacheLine {
				if seen[at] != 1 {
					t.Fatalf("%v, %d panels: line %d of %d bytes is fetched %d times", set, panels, at/cacheLine, before, seen[at])
				}
			}
			if len(seen)*cacheLine > before+(passes+2)*cacheLine {
				t.Errorf("%v, %d panels: %d lines for %d bytes", set, panels, len(seen), before)
			}
		}
	}
}
