// Command ort times a model in ONNX Runtime, which it loads when it runs, without cgo. sbtc bench builds it in a
// temporary module, so that neither sbtc nor what it compiles links a loader of C libraries.
package main

import "github.com/sbtc-go/sbtc/bench/timer"

func main() { timer.Serve(&engine{}) }
