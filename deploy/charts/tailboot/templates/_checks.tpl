{{/* Combinations that cannot work; each sentence begins with the value. */}}
{{- define "tailboot.check" -}}
{{- $v := .Values -}}
{{- $kernel := include "tailboot.kernel" . -}}
{{- if and $v.network (kindIs "bool" $v.tailscale.userspace) (ne (eq $v.network "userspace") $v.tailscale.userspace) -}}
{{- fail (printf "network: is %s, and tailscale.userspace is %t: they contradict each other; one of them is enough" $v.network $v.tailscale.userspace) -}}
{{- end -}}
{{- if and (eq $v.mode "egress") (not $kernel) -}}
{{- fail "network: is userspace, and mode egress needs kernel networking, since packets of the cluster are forwarded: set network to kernel, or use mode httpProxy" -}}
{{- end -}}
{{- range $section, $mode := dict "egress" "egress" "ingress" "ingress" "subnetRouter" "subnetRouter" "sidecar" "sidecar" -}}
{{- if ne $v.mode $mode -}}
{{- range $name, $value := omit (index $v $section) "kind" -}}
{{- $given := $value -}}
{{- if kindIs "map" $value -}}{{- $given = $value | values | compact -}}{{- end -}}
{{- if $given -}}
{{- fail (printf "%s.%s: has no meaning in mode %s: remove it, or set mode to %s" $section $name $v.mode $mode) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq $v.mode "subnetRouter") (not $v.subnetRouter.routes) -}}
{{- fail "subnetRouter.routes: is empty: name the networks of the cluster that the node advertises" -}}
{{- end -}}
{{- if and (eq $v.mode "httpProxy") (eq (int $v.httpProxy.port) 9002) -}}
{{- fail "httpProxy.port: 9002 is the port of the probes: choose another one" -}}
{{- end -}}
{{- if and $v.tailscale.state (eq $v.tailscale.state.kind "volume") $v.tailscale.state.claim (gt (int $v.replicas) 1) -}}
{{- fail "tailscale.state.claim: one volume cannot keep the state of several nodes: leave it empty, so that each pod has a claim of its own, or set replicas to 1" -}}
{{- end -}}
{{- if and (eq $v.mode "sidecar") $v.networkPolicy.enabled -}}
{{- fail "networkPolicy.enabled: would close the ports of sidecar.containers, which are in the same pod: write a policy of your own that lets port 9002 in" -}}
{{- end -}}
{{- if eq $v.mode "egress" }}{{ include "tailboot.checkEgress" . }}{{ end -}}
{{- if eq $v.mode "ingress" }}{{ include "tailboot.checkIngress" . }}{{ end -}}
{{- if eq $v.mode "sidecar" }}{{ include "tailboot.checkSidecar" . }}{{ end -}}
{{- end }}

{{- define "tailboot.checkEgress" -}}
{{- $egress := .Values.egress -}}
{{- $single := or $egress.target.fqdn $egress.target.ip -}}
{{- if and (not $single) (not $egress.services) -}}
{{- fail "egress.target.fqdn: no target: name one here or in egress.target.ip, or several in egress.services" -}}
{{- end -}}
{{- if and $egress.target.fqdn $egress.target.ip -}}
{{- fail "egress.target.ip: only one of egress.target.fqdn and egress.target.ip may be set" -}}
{{- end -}}
{{- if and $single $egress.services -}}
{{- fail "egress.services: cannot be combined with egress.target, which has all ports" -}}
{{- end -}}
{{- if and $single (not $egress.ports) -}}
{{- fail "egress.ports: is empty: name the ports of the Service in front of the target" -}}
{{- end -}}
{{- if and $egress.services (ne (dig "state" "kind" "secret" .Values.tailscale) "secret") -}}
{{- fail "tailscale.state.kind: must be secret with egress.services, whose status is published there" -}}
{{- end -}}
{{- $seen := dict -}}
{{- range $name, $service := $egress.services -}}
{{- if eq (empty $service.fqdn) (empty $service.ip) -}}
{{- fail (printf "egress.services.%s: needs exactly one of fqdn and ip" $name) -}}
{{- end -}}
{{- range $service.ports -}}
{{- $place := printf "%s/%s" (include "tailboot.matchPort" (dict "name" $name "port" .)) (.protocol | default "TCP") -}}
{{- if hasKey $seen $place -}}
{{- fail (printf "egress.services.%s.ports: port %d meets one of egress.services.%s at the pod, both are %s: set matchPort of one of them" $name (int .port) (index $seen $place) $place) -}}
{{- end -}}
{{- $_ := set $seen $place $name -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tailboot.checkIngress" -}}
{{- $ingress := .Values.ingress -}}
{{- $serve := .Values.tailscale.serve -}}
{{- if include "tailboot.kernel" . -}}
{{- if not $ingress.destination -}}
{{- fail "ingress.destination: is empty: name the Service or the address that traffic goes to" -}}
{{- end -}}
{{- if $ingress.ports -}}
{{- fail "ingress.ports: has no meaning with kernel networking, which forwards all ports: remove it" -}}
{{- end -}}
{{- else if and $serve (or $ingress.ports $ingress.destination) -}}
{{- fail "tailscale.serve: cannot be combined with ingress.destination and ingress.ports, which are made into one" -}}
{{- else if not $serve -}}
{{- if not $ingress.destination -}}
{{- fail "ingress.destination: is empty: name the Service or the address that traffic goes to, or set tailscale.serve" -}}
{{- end -}}
{{- if not $ingress.ports -}}
{{- fail "ingress.ports: is empty, and userspace networking forwards only the ports it names" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tailboot.checkSidecar" -}}
{{- $sidecar := .Values.sidecar -}}
{{- if not $sidecar.containers -}}
{{- fail "sidecar.containers: is empty, and mode sidecar needs a pod to join: name its containers here, or add the node to a chart of your own with the library chart tailboot-sidecar" -}}
{{- end -}}
{{- if and (ne $sidecar.kind "StatefulSet") (gt (int .Values.replicas) 1) -}}
{{- fail (printf "replicas: is %d, and the pods of a %s would be the same node: set sidecar.kind to StatefulSet" (int .Values.replicas) $sidecar.kind) -}}
{{- end -}}
{{- end }}
