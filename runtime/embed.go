// SPDX-License-Identifier: MIT-0

// Package runtime holds the kernels of compiled packages. The command copies the files that a model needs into the
// package that it generates; this file and tests are never copied.
package runtime

import "embed"

//go:generate sh _asm/generate

// Files are the sources of the kernels.
//
//go:embed *.go *.s
var Files embed.FS
