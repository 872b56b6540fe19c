{{/* Pod of the workload: root, arguments, settings, kind. */}}
{{- define "tailboot.pod" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $enabled := $v.tailscale.enabled -}}
{{- if $enabled -}}
serviceAccountName: {{ include "tailboot-sidecar.name" .arguments }}
{{- end }}
# More than the pre-stop hook and TAILBOOT_STOP_BUDGET, which is 25 s.
terminationGracePeriodSeconds: {{ $v.egress.services | empty | ternary (add 35 $v.preStopSeconds) 360 }}
{{- if eq .kind "Job" }}
restartPolicy: Never
{{- end }}
{{- with $v.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if $enabled }}
{{- with include "tailboot-sidecar.podSecurity" .arguments }}
securityContext:
  {{- . | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- if eq $v.mode "sidecar" }}
{{- if $enabled }}
initContainers:
  {{- include "tailboot-sidecar.container" .arguments | nindent 2 }}
{{- end }}
containers:
  {{- toYaml $v.sidecar.containers | nindent 2 }}
{{- else }}
containers:
  - name: tailscale
    {{- include "tailboot-sidecar.check" .arguments }}
    {{- include "tailboot-sidecar.body" .arguments | nindent 4 }}
{{- end }}
{{- if or $enabled $v.sidecar.volumes }}
volumes:
  {{- with $v.sidecar.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if $enabled }}
  {{- include "tailboot-sidecar.volumes" .arguments | nindent 2 }}
  {{- end }}
{{- end }}
{{- with $v.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
