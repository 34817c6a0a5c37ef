"""What was measured on each episode: figures for machines and reviewers, a picture for people who would rather look."""

from pipeline.report.figures import mean_confidence, render_reports
from pipeline.report.waveform import Look, Picture, draw_waveforms

__all__ = ["Look", "Picture", "draw_waveforms", "mean_confidence", "render_reports"]
