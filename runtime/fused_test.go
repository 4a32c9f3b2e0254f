// SPDX-License-Identifier: MIT-0

// What this finds does not depend on how it is built itself.
//go:build !purego

package runtime

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// fusedOp matches the scalar fused multiply-adds that the Go compiler makes of a product and a sum.
var fusedOp = regexp.MustCompile(`^(V?FN?M(ADD|SUB)([0-9]*S)?[SD])$`)

// TestFused reads the assembly that the compiler makes of this package: no Go of it may become a fused instruction, for
// then its bits would depend on the port. (objdump does not decode those of amd64.) Assembly files are not meant. A
// float64 sum may be fused where the product is exact, as that of two float32 is: its line says so with the words
// "exact product".
func TestFused(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package for other ports")
	}
	for _, port := range []struct{ arch, level string }{{"arm64", "GOARM64=v8.0"}, {"amd64", "GOAMD64=v3"}, {"riscv64", "GORISCV64=rva20u64"}} {
		t.Run(port.arch, func(t *testing.T) {
			build := exec.Command("go", "build", "-gcflags=-S", ".")
			build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+port.arch, "CGO_ENABLED=0", port.level)
			out, err := build.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if exact := scanFused(t, string(out)); exact < 20 {
				t.Errorf("%d exact products seen: the patterns of this test have gone stale", exact)
			}
		})
	}
}

// instruction is a line of the listing: its place and what the instruction is.
var instruction = regexp.MustCompile(`^\t0x[0-9a-f]+ \d+ \((.*):(\d+)\)\t([A-Z][A-Z0-9.]*)`)

func scanFused(t *testing.T, listing string) (exact int) {
	sources := map[string][]string{}
	for line := range strings.Lines(listing) {
		m := instruction.FindStringSubmatch(line)
		if m == nil || !fusedOp.MatchString(m[3]) {
			continue
		}
		name := m[1]
		if sources[name] == nil {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources[name] = strings.Split(string(text), "\n")
		}
		n, _ := strconv.Atoi(m[2])
		if source := sources[name][n-1]; strings.HasSuffix(m[3], "D") && strings.Contains(source, "exact product") {
			exact++
		} else {
			t.Errorf("%s:%d is compiled to %s: write the product as a conversion, float32(a*b)\n%s", name, n, m[3], source)
		}
	}
	return exact
}
