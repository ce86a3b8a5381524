"""The decisions of the Kubernetes HorizontalPodAutoscaler, digit by digit.

Sources: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ and the controller's own source,
kubernetes/kubernetes pkg/controller/podautoscaler (replica_calculator.go, horizontal.go).
"""
