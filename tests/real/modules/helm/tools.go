//go:build tools

// Package tools pins the program that renders the charts.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
