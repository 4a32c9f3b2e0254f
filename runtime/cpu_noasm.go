// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// bestPath is pure Go where there is no assembly.
func bestPath() int { return pathPureGo }
