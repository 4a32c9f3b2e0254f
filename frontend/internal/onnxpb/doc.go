// Package onnxpb is the protocol buffer schema of ONNX 1.22 in Go.
//
// onnx.proto is ONNX's own but for the package name: onnx-go registers the package onnx, and two of one name panic. To
// make zonnx.pb.go again (protoc of Debian's protobuf-compiler, protoc-gen-go v1.36.12), in the root of the repository:
//
//	protoc --go_out=. --go_opt=paths=source_relative frontend/internal/onnxpb/onnx.proto
//	mv frontend/internal/onnxpb/onnx.pb.go frontend/internal/onnxpb/zonnx.pb.go
package onnxpb
