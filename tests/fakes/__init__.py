"""Fakes of tailboot's partners: the daemon's LocalAPI, the two commands, the Kubernetes API.

Standard library only. Every server runs on threads of the calling process, is programmable
while it runs, and records what it was asked.
"""
