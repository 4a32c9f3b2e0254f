package main

import (
	"go/format"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func write(name, text string) {
	src, err := format.Source([]byte(text))
	if err != nil {
		log.Fatalf("%s: %v\n%s", name, err, text)
	}
	if err := os.WriteFile(name, src, 0o666); err != nil {
		log.Fatal(err)
	}
}

var (
	exported = regexp.MustCompile(`([^.\w])([A-Z]\w*64)\b`) // not math/bits.Rem64
	clause   = regexp.MustCompile(`(?m)^package low$`)
)

// copyMath64 writes ir/low/math64*.go as runtime/zmath64*.go, with names that begin in lower case: in a compiled package
// nothing of runtime is exported.
func copyMath64(dir string) {
	names, err := filepath.Glob("math64*.go")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		text := strings.TrimPrefix(string(src), header)
		text = clause.ReplaceAllString(text, "package runtime")
		text = exported.ReplaceAllStringFunc(text, func(s string) string { return s[:1] + strings.ToLower(s[1:2]) + s[2:] })
		write(filepath.Join(dir, "z"+name), license+header+text)
	}
}
