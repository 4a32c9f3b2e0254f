// Command sbtc compiles ONNX models to standalone Go packages.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/ir"
)

// Exit statuses.
const (
	exitOK    = 0
	exitModel = 1 // the model or the input is at fault
	exitUsage = 2
	exitBug   = 3 // sbtc is at fault
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the command with its arguments; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) (status int) {
	defer func() {
		if r := recover(); r != nil {
			status = tell(stderr, &ir.BugError{Where: "sbtc", Panic: r, Stack: debug.Stack()})
		}
	}()
	root := &cobra.Command{
		Use:           "sbtc",
		Short:         "Compile ONNX models to standalone Go packages",
		Version:       check.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return plainly(err) })
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(commands()...)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	return tell(stderr, err)
}

// commands lists the subcommands, one file each.
func commands() []*cobra.Command {
	return []*cobra.Command{
		compileCommand(), verifyCommand(), conformCommand(), runCommand(), inspectCommand(), dumpCommand(), opsCommand(), benchCommand(),
	}
}

// plainly says what a flag takes, instead of what the function said that read it.
func plainly(err error) error {
	text, _, found := strings.Cut(err.Error(), " flag: strconv.")
	var number *strconv.NumError
	if !found || !errors.As(err, &number) {
		return err
	}
	want := "a whole number"
	if number.Func == "ParseBool" {
		want = "true or false"
	}
	return usage("%s: want %s", text, want)
}

// emptyFlag is the name of a flag that was given without a value, as a variable of the shell may be; "" if there is none.
func emptyFlag(cmd *cobra.Command) (name string) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if text := f.Value.String(); text == "" || text == "[]" {
			name = f.Name
		}
	})
	return name
}

// A failure is an error of a command that ran, as opposed to one of its usage.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// command runs f; its errors are not those of usage, unless they are made by usage.
func command(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if name := emptyFlag(cmd); name != "" {
			return usage("--%s has no value", name)
		}
		err := f(cmd, args)
		var u usageError
		if err == nil || errors.As(err, &u) {
			return err
		}
		return failure{err}
	}
}

type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errSilent ends the command with the status of a fault that has been told already.
var errSilent = errors.New("failed")

// tell says what err is and returns the exit status.
func tell(w io.Writer, err error) int {
	var bug *ir.BugError
	var wrong *check.WrongError
	var f failure
	switch {
	case errors.As(err, &bug):
		fmt.Fprintf(w, "sbtc: %v\n%s", err, bug.Stack)
		reportBug(w)
		return exitBug
	case errors.As(err, &wrong):
		fmt.Fprintf(w, "sbtc: %v\n", err)
		reportBug(w)
		return exitBug
	case errors.Is(err, errSilent):
		return exitModel
	case errors.As(err, &f):
		fmt.Fprintln(w, "sbtc: "+strings.ReplaceAll(err.Error(), "\n", "\n      "))
		return exitModel
	}
	fmt.Fprintf(w, "sbtc: %v\nRun sbtc help, or sbtc COMMAND --help, for usage.\n", err)
	return exitUsage
}

func reportBug(w io.Writer) {
	fmt.Fprintf(w, "\nThis is a bug in sbtc, not a fault of the model. Please report it at\n"+
		"https://github.com/sbtc-go/sbtc/issues with the command, this message and, if you can, the model.\n"+
		"sbtc %s, %s, %s/%s\n", check.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// terminal returns w if it is a terminal, else nil: progress is for people.
func terminal(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return w
}
