"""Reports: what was found out behind logins, with its evidence."""

from seezar.reports.store import FileInfo, NewFile, NewReport, Report, Reports, ReportUnknown, Source

__all__ = ["FileInfo", "NewFile", "NewReport", "Report", "ReportUnknown", "Reports", "Source"]
