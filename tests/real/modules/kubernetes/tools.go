//go:build tools

// Package tools pins the API server and its client of the real-partner stories.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
