package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
)

// packageFlags are the flags of every command that makes a package: all that shape its files.
type packageFlags struct {
	modelFlags
	lossyFlags
	strategyFlags
	mode string
}

func (p *packageFlags) addPackage(cmd *cobra.Command) {
	p.add(cmd)
	p.addLossy(cmd)
	p.addStrategy(cmd)
	cmd.Flags().StringVar(&p.mode, "mode", codegen.Speed.String(), "speed, or size: weights in the fewest bytes and none as code; sums have another order, the first New takes longer")
}

// packageOptions checks the flags and makes options of them.
func (p *packageFlags) packageOptions(cmd *cobra.Command) (check.Options, error) {
	opt, err := p.options(cmd)
	if err != nil {
		return opt, err
	}
	if err := p.change(cmd, &opt); err != nil {
		return opt, err
	}
	if err := p.choose(&opt); err != nil {
		return opt, err
	}
	mode := slices.Index(codegen.Modes, p.mode)
	if mode < 0 {
		return opt, usage("--mode %s: want %s", p.mode, strings.Join(codegen.Modes, " or "))
	}
	opt.Mode = codegen.Mode(mode)
	opt.Flags = p.shaping(cmd)
	return opt, nil
}

// shaping is the flags as they are given, for the header of the files.
func (p *packageFlags) shaping(cmd *cobra.Command) string {
	var list []string
	for _, d := range p.dims {
		list = append(list, "--dim "+d)
	}
	for _, d := range p.disable {
		list = append(list, "--disable "+d)
	}
	if p.mode != codegen.Speed.String() {
		list = append(list, "--mode "+p.mode)
	}
	list = append(list, p.strategyFlags.list(cmd)...)
	list = append(list, p.lossyFlags.list()...)
	return strings.Join(list, " ")
}
