package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/passes"
)

func dumpCommand() *cobra.Command {
	var after, output string
	var f packageFlags
	cmd := &cobra.Command{
		Use:   "dump MODEL",
		Short: "Print the graph of a model at any stage",
		Long: `Dump prints the graph of MODEL in the text form, which sbtc reads back.

--after import is the graph as the file has it, in the newest opset; changed is with the weights that --binarize,
--ternarize and --prune (see compile) give it; portable is after all portable passes: still ONNX,
and -o FILE.onnx writes it as a model that other tools run; low is what code is generated from. The name of a pass
stops after its last run:
` + passHelp(),
		Args: cobra.ExactArgs(1),
	}
	f.addPackage(cmd)
	cmd.Flags().StringVar(&after, "after", "portable", "stage (import, changed, portable, low) or pass to stop after")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write instead of printing: FILE.txt or FILE.onnx")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error {
		if ext := filepath.Ext(output); output != "" && ext != ".txt" && ext != ".onnx" {
			return usage("-o %s: want a name that ends with .txt or .onnx", output)
		}
		opt, err := f.packageOptions(cmd)
		if err != nil {
			return err
		}
		data, err := dump(args[0], after, filepath.Ext(output) == ".onnx", opt)
		if err != nil {
			return err
		}
		if output != "" {
			return os.WriteFile(output, data, 0o666)
		}
		_, err = cmd.OutOrStdout().Write(data)
		return err
	})
	return cmd
}

// dump returns the graph of the model at path after a stage or pass.
func dump(path, after string, asONNX bool, opt check.Options) ([]byte, error) {
	var text []byte
	var failed error
	render := func(g *ir.Graph) {
		text, failed = []byte(g.String()), nil
		if asONNX {
			var b bytes.Buffer
			failed = frontend.Encode(g, &b)
			text = b.Bytes()
		}
	}
	stage, isStage := map[string]check.Stage{"import": check.Imported, "changed": check.Changed, "portable": check.Portable, "low": check.Low}[after]
	if !isStage {
		switch {
		case hasPass(passes.Portable, after):
			stage = check.Portable
		case hasPass(passes.Target, after):
			stage = check.Low
		default:
			return nil, usage("--after %s: no such stage or pass; there are import, changed, portable, low and\n%s", after, passHelp())
		}
		if slices.Contains(opt.Disable, after) {
			return nil, usage("--after %s: the pass is disabled", after)
		}
		opt.After = func(pass string, g *ir.Graph) {
			if pass == after {
				render(g)
			}
		}
	}
	if asONNX && stage == check.Low {
		return nil, errors.New("a graph of low operators is not ONNX; write it with -o FILE.txt")
	}
	m, err := check.Load(path, stage, opt)
	if err != nil {
		return nil, err
	}
	if isStage {
		render(m.Graph)
	}
	return text, failed
}

func hasPass(table []passes.Pass, name string) bool {
	return slices.ContainsFunc(table, func(p passes.Pass) bool { return p.Name == name })
}

// passHelp lists the passes of both tables.
func passHelp() string {
	var b strings.Builder
	for _, t := range []struct {
		name  string
		table []passes.Pass
	}{{"portable", passes.Portable}, {"low", passes.Target}} {
		names := make([]string, len(t.table))
		for i, p := range t.table {
			names[i] = p.Name
		}
		fmt.Fprintf(&b, "  %s: %s\n", t.name, strings.Join(names, ", "))
	}
	return b.String()
}
