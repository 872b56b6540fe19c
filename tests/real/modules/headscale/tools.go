//go:build tools

// Package tools pins the control server that the real-partner stories run.
package tools

import _ "github.com/juanfont/headscale/cmd/headscale"
