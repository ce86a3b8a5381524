"""ScaledObjects of KEDA. Source: https://keda.sh/docs/latest/reference/scaledobject-spec/"""
