package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
)

// trials is the number of random inputs that verifying runs where no flag says another.
const trials = 3

type compileFlags struct {
	packageFlags
	output, pkg, after string
	verify, check      bool
	tune               bool
	report             reportFlag
}

func compileCommand() *cobra.Command {
	var f compileFlags
	cmd := &cobra.Command{
		Use:   "compile MODEL",
		Short: "Compile a model to a Go package",
		Long: `Compile writes a Go package that computes MODEL and imports nothing but the standard library.

Without -o the package goes to ./NAME, where NAME is made of the model's file name. The folder may hold other files:
only files of an earlier run are replaced or removed, which carry the mark of sbtc. The package is called as the Go files
that are there already, else NAME. The same model and flags give the same files, byte for byte, on every machine.

` + strategyHelp + `

` + tuneHelp + `

` + lossyHelp + `

In a Go module, sbtc can be a tool:
	//go:generate go tool sbtc compile model.onnx`,
		Args: cobra.ExactArgs(1),
	}
	f.addPackage(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "folder of the package")
	cmd.Flags().StringVar(&f.pkg, "package", "", "name of the package")
	cmd.Flags().StringVar(&f.after, "print-after", "", "print the graph after each run of the pass of this name")
	cmd.Flags().BoolVar(&f.verify, "verify", false, "build and run the package and compare it with the model before writing it")
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; fail if the files in the folder are not what would be written")
	cmd.Flags().BoolVar(&f.tune, "tune", false, "measure on this machine how layers are computed fastest, and keep that in tune.json beside the package")
	cmd.Flags().StringVar(&f.report.path, "report", "", "FILE.html or FILE.json: describe the model, its layers and the package there")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) })
	return cmd
}

func (f *compileFlags) run(cmd *cobra.Command, path string) error {
	opt, err := f.packageOptions(cmd)
	if err != nil {
		return err
	}
	if err := printAfter(&opt, cmd, f.after); err != nil {
		return err
	}
	if f.check && f.report.path != "" {
		return usage("--check writes nothing, so it goes without --report")
	}
	if err := f.report.begin(&opt); err != nil {
		return err
	}
	dir := f.output
	if dir == "" {
		dir = codegen.PackageName(filepath.Base(path))
	}
	if opt.Package, err = f.packageName(dir, path); err != nil {
		return err
	}
	tuned, err := f.tuning(cmd, path, dir, &opt)
	if err != nil {
		return err
	}
	c, err := check.Compile(path, opt)
	if err != nil {
		return err
	}
	c.Files = append(c.Files, tuned...)
	out, err := check.NewOutput(dir, c.Files)
	if err != nil {
		return err
	}
	verified := ""
	if f.verify {
		n, err := verifyQuietly(path, c, opt)
		if err != nil {
			return err
		}
		verified = fmt.Sprintf("; %d comparisons with %s agree", n, reference(opt))
	}
	if f.check {
		return f.differences(cmd, out)
	}
	defer f.report.remove()
	if err := f.report.write(path, c, opt); err != nil {
		return err
	}
	if err := out.Write(); err != nil {
		return err
	}
	if err := f.report.rename(); err != nil {
		return err
	}
	if f.verbose {
		if err := printStorage(cmd.ErrOrStderr(), c, opt); err != nil {
			return err
		}
		if err := printPaths(cmd.ErrOrStderr(), c); err != nil {
			return err
		}
	}
	size, weights := 0, 0
	for _, file := range c.Files {
		if size += len(file.Data); file.Name == "weights.bin" {
			weights = len(file.Data)
		}
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: package %s, %d files, %d bytes, of them %d of weights%s\n", dir, opt.Package, len(c.Files), size, weights, verified); err != nil {
		return err
	}
	if c.Fixed != nil {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "it takes exactly as many samples as --dim says, because they cannot be shown not to depend on each other: %v\n", c.Fixed); err != nil {
			return err
		}
	}
	return printCode(cmd.OutOrStdout(), c.Files)
}

// packageName decides how the package is called.
func (f *compileFlags) packageName(dir, path string) (string, error) {
	there, err := check.PackageOf(dir, f.pkg == "")
	if err != nil {
		return "", err
	}
	switch {
	case f.pkg != "":
		if err := check.CheckPackageName(f.pkg); err != nil {
			return "", usage("--package: %v", err)
		}
		if there != "" && there != f.pkg {
			return "", fmt.Errorf("%s holds package %s, which cannot become %s; leave out --package, or choose another folder with -o", dir, there, f.pkg)
		}
		return f.pkg, nil
	case there != "":
		return there, nil
	}
	return codegen.PackageName(filepath.Base(path)), nil
}

func (f *compileFlags) differences(cmd *cobra.Command, out *check.Output) error {
	list, err := out.Differences()
	if err != nil || list == nil {
		return err
	}
	return fmt.Errorf("%s is not what this model, version and flags give:\n\t%s\nrun the command without --check to write it",
		out.Dir, strings.Join(list, "\n\t"))
}

// verifyQuietly runs random inputs through every form of the model and returns the number of comparisons, which agree.
func verifyQuietly(path string, c *check.Compiled, opt check.Options) (int, error) {
	opt.Warn, opt.Log, opt.After = nil, nil, nil
	r, err := check.Verify{Model: path, Compiled: c, Options: opt, Seed: 1, Trials: trials}.Run()
	if err != nil {
		return 0, err
	}
	return len(r.Checks), r.Err()
}
