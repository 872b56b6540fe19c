{{/* Environment of the container, as a list. */}}
{{- define "tailboot-sidecar.env" -}}
{{- $s := include "tailboot-sidecar.settings" . | fromYaml -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
- name: POD_IPS
  valueFrom: {fieldRef: {fieldPath: status.podIPs}}
- name: TS_KUBE_SECRET
  value: {{ include "tailboot-sidecar.stateSecret" (dict "settings" $s "arguments" .) | quote }}
{{- if eq $s.state.kind "volume" }}
- name: TS_STATE_DIR
  value: /var/lib/tailscale
{{- end }}
{{- include "tailboot-sidecar.login" (dict "settings" $s "component" .component) }}
- name: TS_AUTH_ONCE
  value: "true"
- name: TS_HOSTNAME
  value: {{ include "tailboot-sidecar.hostname" (dict "settings" $s "arguments" .) | quote }}
- name: TS_USERSPACE
  value: {{ $s.userspace | quote }}
{{- if $s.acceptDns }}
- name: TS_ACCEPT_DNS
  value: "true"
{{- end }}
{{- with .routes }}
- name: TS_ROUTES
  value: {{ join "," . | quote }}
{{- end }}
{{- with include "tailboot-sidecar.arguments" $s }}
- name: TS_EXTRA_ARGS
  value: {{ . | quote }}
{{- end }}
{{- if or $s.ca.configMap $s.ca.secret }}
- name: TAILBOOT_CA_FILE
  value: /etc/tailboot/ca/{{ $s.ca.key }}
{{- end }}
{{- if $s.serve }}
- name: TS_SERVE_CONFIG
  value: /etc/tailboot/serve/serve.json
{{- end }}
- name: TS_ENABLE_HEALTH_CHECK
  value: "true"
{{- if $s.metrics }}
- name: TS_ENABLE_METRICS
  value: "true"
{{- end }}
{{- with .env }}
{{ toYaml . }}
{{- end }}
{{- with $s.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tailboot-sidecar.stateSecret" -}}
{{- if eq .settings.state.kind "secret" -}}
{{- if .arguments.replicas -}}
$(POD_NAME)-state
{{- else -}}
{{- include "tailboot-sidecar.workload" .arguments }}-state
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tailboot-sidecar.hostname" -}}
{{- if gt (int (.arguments.replicas | default 1)) 1 -}}
$(POD_NAME)
{{- else -}}
{{- .settings.hostname | default (include "tailboot-sidecar.workload" .arguments) -}}
{{- end -}}
{{- end }}

{{- define "tailboot-sidecar.login" -}}
{{- $s := .settings -}}
{{- $key := index $s.authKeyRefs .component -}}
{{- if $s.auth.workloadIdentity.clientId }}
- name: TS_CLIENT_ID
  value: {{ $s.auth.workloadIdentity.clientId | quote }}
- name: TS_ID_TOKEN
  value: file:/var/run/secrets/tailboot/token
{{- else if $s.auth.oauth.secret }}
- name: TS_CLIENT_ID
  valueFrom: {secretKeyRef: {name: {{ $s.auth.oauth.secret | quote }}, key: {{ $s.auth.oauth.clientIdKey | quote }}}}
- name: TS_CLIENT_SECRET
  valueFrom: {secretKeyRef: {name: {{ $s.auth.oauth.secret | quote }}, key: {{ $s.auth.oauth.clientSecretKey | quote }}}}
{{- else if $s.auth.secret }}
- name: TS_AUTHKEY
  valueFrom: {secretKeyRef: {name: {{ $s.auth.secret | quote }}, key: {{ $s.auth.key | quote }}}}
{{- else if $key }}
- name: TS_AUTHKEY
  valueFrom: {secretKeyRef: {name: {{ $s.authKeySecret | quote }}, key: {{ $key | quote }}}}
{{- end }}
{{- end }}

{{/* Arguments of tailscale up, words between blanks. */}}
{{- define "tailboot-sidecar.arguments" -}}
{{- $words := list -}}
{{- with .controlUrl }}{{ $words = append $words (printf "--login-server=%s" .) }}{{ end -}}
{{- with .tags }}{{ $words = append $words (printf "--advertise-tags=%s" (join "," .)) }}{{ end -}}
{{- concat $words .extraArgs | join " " -}}
{{- end }}
