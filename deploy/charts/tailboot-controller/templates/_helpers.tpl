{{- define "controller.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "controller.selector" -}}
app.kubernetes.io/name: tailboot-controller
app.kubernetes.io/instance: {{ include "controller.name" . }}
{{- end }}

{{- define "controller.labels" -}}
{{ include "controller.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "controller.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Settings of the program; those at their defaults are left out. */}}
{{- define "controller.env" -}}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: PROXY_IMAGE, value: {{ printf "%s:%s" .Values.proxyImage.repository (.Values.proxyImage.tag | default .Chart.AppVersion) | quote }}}
- {name: DEFAULT_TAILNET, value: {{ .Values.defaultTailnet | quote }}}
- {name: FINALIZER_TIMEOUT, value: {{ .Values.finalizerTimeout | quote }}}
- {name: LOG_FORMAT, value: {{ .Values.logFormat | quote }}}
{{- with .Values.clusterDomain }}
- {name: CLUSTER_DOMAIN, value: {{ . | quote }}}
{{- end }}
{{- with .Values.firewallMode }}
- {name: FIREWALL_MODE, value: {{ . | quote }}}
{{- end }}
{{- if .Values.leaveExternalName }}
- {name: LEAVE_EXTERNAL_NAME, value: "true"}
{{- end }}
{{- with .Values.verbosity }}
- {name: V, value: {{ . | quote }}}
{{- end }}
{{- with .Values.httpsProxy }}
- {name: HTTPS_PROXY, value: {{ . | quote }}}
{{- end }}
{{- with .Values.noProxy }}
- {name: NO_PROXY, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* What the pods may do: nothing but run as a user. */}}
{{- define "controller.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "controller.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where the pods run. */}}
{{- define "controller.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
