// SPDX-License-Identifier: MIT-0

package gen

import (
	"bytes"
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// Write writes the functions to DIR/name.s; DIR is the first argument of the command, by default that of package runtime.
func (a *Asm) Write(command, name string) {
	f, err := a.Result()
	if err == nil {
		err = pass.Compile.Execute(f)
	}
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	text, err := printer.NewGoAsm(printer.Config{Name: "runtime/_asm/" + command, Pkg: "runtime"}).Print(f)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	dir := ".."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	text = bytes.TrimRight(text, "\n")
	text = append([]byte("// SPDX-License-Identifier: MIT-0\n\n"), append(text, '\n')...)
	if err := os.WriteFile(filepath.Join(dir, name+".s"), text, 0o666); err != nil {
		log.Fatal(err)
	}
}
