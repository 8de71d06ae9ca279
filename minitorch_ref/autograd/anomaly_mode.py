"""Anomaly detection, where torch has it; see `anomaly.py`."""

from .anomaly import detect_anomaly, set_detect_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]
