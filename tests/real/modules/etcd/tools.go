//go:build tools

// Package tools pins the store under the API server of the real-partner stories.
package tools

import _ "go.etcd.io/etcd/server/v3"
