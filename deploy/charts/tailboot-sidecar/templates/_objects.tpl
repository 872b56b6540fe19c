{{/* Volumes of the pod, as a list. */}}
{{- define "tailboot-sidecar.volumes" -}}
{{- $s := include "tailboot-sidecar.settings" . | fromYaml -}}
- name: tailnet-tmp
  emptyDir: {}
{{- if and (eq $s.state.kind "volume") $s.state.claim }}
- name: tailnet-state
  persistentVolumeClaim:
    claimName: {{ $s.state.claim }}
{{- end }}
{{- if $s.serve }}
- name: tailnet-serve
  configMap:
    name: {{ include "tailboot-sidecar.name" . }}
{{- end }}
{{- if $s.ca.configMap }}
- name: tailnet-ca
  configMap:
    name: {{ $s.ca.configMap }}
{{- else if $s.ca.secret }}
- name: tailnet-ca
  secret:
    secretName: {{ $s.ca.secret }}
{{- end }}
{{- with $s.auth.workloadIdentity }}
{{- if .clientId }}
- name: tailnet-token
  projected:
    sources:
      - serviceAccountToken:
          audience: {{ required "tailscale.auth.workloadIdentity.audience: is empty, and tailscale.auth.workloadIdentity.clientId is set" .audience | quote }}
          path: token
{{- end }}
{{- end }}
{{- with .volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tailboot-sidecar.labels" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Objects beside the workload: account, Role on the state Secrets by name, the Secrets themselves, the serve configuration. */}}
{{- define "tailboot-sidecar.objects" -}}
{{- include "tailboot-sidecar.check" . -}}
{{- $s := include "tailboot-sidecar.settings" . | fromYaml -}}
{{- $arguments := . -}}
{{- $name := include "tailboot-sidecar.name" . -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels:
    {{- include "tailboot-sidecar.labels" . | nindent 4 }}
automountServiceAccountToken: {{ eq $s.state.kind "secret" }}
{{- if eq $s.state.kind "secret" }}
{{- $secrets := include "tailboot-sidecar.secrets" . | fromYamlArray }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  labels:
    {{- include "tailboot-sidecar.labels" . | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    resourceNames: {{ toJson $secrets }}
    verbs: ["get", "update", "patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "tailboot-sidecar.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
{{- range $secrets }}
---
# Filled by the node; applying this file again leaves its content alone.
apiVersion: v1
kind: Secret
metadata:
  name: {{ . }}
  labels:
    {{- include "tailboot-sidecar.labels" $arguments | nindent 4 }}
  {{- if $s.state.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
type: Opaque
{{- end }}
{{- end }}
{{- with $s.serve }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  labels:
    {{- include "tailboot-sidecar.labels" $arguments | nindent 4 }}
data:
  serve.json: {{ toJson . | quote }}
{{- end }}
{{- end }}
