//go:build tools

// Package tools pins the oldest API server that the kinds of the controller are tested on.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
