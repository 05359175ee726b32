"""Results as one HTML file to look through: `scgm.report.write.write_report`."""
